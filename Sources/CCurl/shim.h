#include <curl/curl.h>

/// Swift imports no functions with `...`: one for each type of argument.
typedef size_t (*pump_curl_receiver)(char *, size_t, size_t, void *);
static inline CURLcode pump_curl_number(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode pump_curl_size(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode pump_curl_text(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode pump_curl_pointer(CURL *h, CURLoption o, const void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode pump_curl_function(CURL *h, CURLoption o, pump_curl_receiver v) { return curl_easy_setopt(h, o, v); }
static inline CURLMcode pump_curl_multi_number(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }

static inline long pump_curl_get_number(CURL *h, CURLINFO i) {
  long v = 0;
  return curl_easy_getinfo(h, i, &v) == CURLE_OK ? v : 0;
}
static inline curl_off_t pump_curl_get_size(CURL *h, CURLINFO i) {
  curl_off_t v = 0;
  return curl_easy_getinfo(h, i, &v) == CURLE_OK ? v : 0;
}
static inline const char *pump_curl_get_text(CURL *h, CURLINFO i) {
  char *v = 0;
  return curl_easy_getinfo(h, i, &v) == CURLE_OK ? v : 0;
}
