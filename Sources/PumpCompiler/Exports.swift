// The command line speaks to the compiler through this module alone.
@_exported import PumpPlan
@_exported import class PumpConnectorKit.StopSignal
@_exported import func PumpConnectorKit.finished
@_exported import func PumpConnectorKit.openStandardDescriptors
@_exported import PumpReports
@_exported import PumpSemantics
@_exported import PumpSwift
@_exported import PumpSyntax
