import PumpInterpreter
import PumpSQLite

// What `pumpc run` and `pumpc test` start where the program needs no other connector; else pumpc makes such a host.
runHost(SQLiteConnector.factories)
