// What stands below is seen by whoever imports this room.
@_exported import PumpConnectorKit
