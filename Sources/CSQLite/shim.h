#include <sqlite3.h>

/// Bound memory lives until the statement has run; the macro SQLITE_STATIC is not imported.
static inline int pump_bind_text(sqlite3_stmt *s, int i, const char *t, int n) { return sqlite3_bind_text(s, i, t, n, SQLITE_STATIC); }
static inline int pump_bind_blob(sqlite3_stmt *s, int i, const void *t, int n) { return sqlite3_bind_blob(s, i, t, n, SQLITE_STATIC); }
