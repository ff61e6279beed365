#include <openssl/err.h>
#include <openssl/ssl.h>

/// The last error of OpenSSL on this thread, in words; "" where there is none. The queue is emptied.
static inline const char *pump_ssl_problem(void) {
  const char *words = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return words ? words : "";
}
