#include <microhttpd.h>
#include <stdio.h>
#include <sys/eventfd.h>

/// Keeps the last of what the library says in a text of `PUMP_MHD_SAID` bytes.
enum { PUMP_MHD_SAID = 512 };
static inline void pump_mhd_say(void *said, const char *format, va_list values) { vsnprintf(said, PUMP_MHD_SAID, format, values); }

/// Swift imports no functions with `...`. The daemon has no thread; it speaks HTTPS where there is a key.
static inline struct MHD_Daemon *pump_mhd_start(
    int listener, unsigned int connections, unsigned int seconds, const char *key, const char *certificate,
    MHD_AccessHandlerCallback access, MHD_RequestCompletedCallback completed, void *context, char *said) {
  unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (key ? MHD_USE_TLS : 0);
  struct MHD_OptionItem tls[] = {
    {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
    {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
    {MHD_OPTION_END, 0, 0},
  };
  return MHD_start_daemon(
      flags, 0, 0, 0, access, context, MHD_OPTION_EXTERNAL_LOGGER, pump_mhd_say, said, MHD_OPTION_LISTEN_SOCKET, listener,
      MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_NOTIFY_COMPLETED, completed,
      context, MHD_OPTION_ARRAY, key ? tls : tls + 2, MHD_OPTION_END);
}

static inline const struct sockaddr *pump_mhd_client(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : 0;
}

/// Readable while the daemon has something to do.
static inline int pump_mhd_descriptor(struct MHD_Daemon *daemon) {
  return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}
