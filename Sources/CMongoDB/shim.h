#pragma once
#include <mongoc/mongoc.h>
#include <sys/syscall.h>
#include <unistd.h>

// `bson_t` is aligned to 128 bytes, which Swift does not keep: on its side of these functions a document is plain bytes.

// Once in a process, before all else. What libmongoc would log, errors say too.
static inline void pump_mongo_start(void) {
  mongoc_init();
  mongoc_log_set_handler(NULL, NULL);
}

static inline bool pump_mongo_ping(mongoc_client_t *client, const char *database, bson_error_t *error) {
  bson_t command = BSON_INITIALIZER;
  BSON_APPEND_INT32(&command, "ping", 1);
  bool answered = mongoc_client_command_simple(client, database, &command, NULL, NULL, error);
  bson_destroy(&command);
  return answered;
}

// Reads extended JSON of a document; the bytes are the caller's, NULL where it is none.
static inline uint8_t *pump_mongo_parse(const uint8_t *json, size_t count, uint32_t *size, bson_error_t *error) {
  bson_t *document = bson_new_from_json(json, (ssize_t)count, error);
  return document ? bson_destroy_with_steal(document, true, size) : NULL;
}

static inline mongoc_cursor_t *pump_mongo_find(mongoc_client_t *client, const char *database, const char *name,
                                               const uint8_t *filter, size_t filter_size, const uint8_t *options,
                                               size_t options_size) {
  bson_t query, opts;
  if (!bson_init_static(&query, filter, filter_size) || !bson_init_static(&opts, options, options_size)) return NULL;
  mongoc_collection_t *collection = mongoc_client_get_collection(client, database, name);
  mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &query, &opts, NULL);
  mongoc_collection_destroy(collection);
  return cursor;
}

// The next document, valid until the one after it.
static inline const uint8_t *pump_mongo_next(mongoc_cursor_t *cursor, uint32_t *size) {
  const bson_t *document;
  if (!mongoc_cursor_next(cursor, &document)) return NULL;
  *size = document->len;
  return bson_get_data(document);
}

// Changes of a collection, or of the whole database where `name` is NULL.
static inline mongoc_change_stream_t *pump_mongo_watch(mongoc_client_t *client, const char *database, const char *name,
                                                       const uint8_t *pipeline, size_t pipeline_size,
                                                       const uint8_t *options, size_t options_size) {
  bson_t stages, opts;
  if (!bson_init_static(&stages, pipeline, pipeline_size) || !bson_init_static(&opts, options, options_size)) return NULL;
  mongoc_change_stream_t *stream;
  if (name) {
    mongoc_collection_t *collection = mongoc_client_get_collection(client, database, name);
    stream = mongoc_collection_watch(collection, &stages, &opts);
    mongoc_collection_destroy(collection);
  } else {
    mongoc_database_t *all = mongoc_client_get_database(client, database);
    stream = mongoc_database_watch(all, &stages, &opts);
    mongoc_database_destroy(all);
  }
  return stream;
}

static inline const uint8_t *pump_mongo_next_change(mongoc_change_stream_t *stream, uint32_t *size) {
  const bson_t *document;
  if (!mongoc_change_stream_next(stream, &document)) return NULL;
  *size = document->len;
  return bson_get_data(document);
}

// Where the stream is; NULL where the server has not said it yet.
static inline const uint8_t *pump_mongo_token(mongoc_change_stream_t *stream, uint32_t *size) {
  const bson_t *token = mongoc_change_stream_get_resume_token(stream);
  if (!token) return NULL;
  *size = token->len;
  return bson_get_data(token);
}

static inline mongoc_bulk_operation_t *pump_mongo_bulk(mongoc_client_t *client, const char *database, const char *name,
                                                       bool ordered) {
  bson_t options = BSON_INITIALIZER;
  BSON_APPEND_BOOL(&options, "ordered", ordered);
  mongoc_collection_t *collection = mongoc_client_get_collection(client, database, name);
  mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, &options);
  mongoc_collection_destroy(collection);
  bson_destroy(&options);
  return bulk;
}

// The documents are made by us and are the server's to judge: libmongoc need not look through them.
static inline bool pump_mongo_insert(mongoc_bulk_operation_t *bulk, const uint8_t *bytes, size_t size, bson_error_t *error) {
  bson_t document, options = BSON_INITIALIZER;
  if (!bson_init_static(&document, bytes, size)) return false;
  BSON_APPEND_BOOL(&options, "validate", false);
  return mongoc_bulk_operation_insert_with_opts(bulk, &document, &options, error);
}

static inline bool pump_mongo_update(mongoc_bulk_operation_t *bulk, const uint8_t *key, size_t key_size, const uint8_t *bytes,
                                     size_t size, bool upsert, bson_error_t *error) {
  bson_t selector, change, options = BSON_INITIALIZER;
  if (!bson_init_static(&selector, key, key_size) || !bson_init_static(&change, bytes, size)) return false;
  BSON_APPEND_BOOL(&options, "validate", false);
  BSON_APPEND_BOOL(&options, "upsert", upsert);
  return mongoc_bulk_operation_update_one_with_opts(bulk, &selector, &change, &options, error);
}

static inline bool pump_mongo_remove(mongoc_bulk_operation_t *bulk, const uint8_t *key, size_t size, bson_error_t *error) {
  bson_t selector;
  if (!bson_init_static(&selector, key, size)) return false;
  return mongoc_bulk_operation_remove_one_with_opts(bulk, &selector, NULL, error);
}

// Carries the writes out. What became of each is in the reply, whose bytes are the caller's.
static inline bool pump_mongo_execute(mongoc_bulk_operation_t *bulk, uint8_t **reply, uint32_t *size, bson_error_t *error) {
  bson_t answer;
  bool done = mongoc_bulk_operation_execute(bulk, &answer, error) != 0;
  *reply = bson_destroy_with_steal(&answer, true, size);
  return done;
}

static inline const char *pump_mongo_message(const bson_error_t *error) { return error->message; }

static inline const char *pump_mongo_host(const mongoc_host_list_t *host) { return host->host_and_port; }

// A file that has no name and only this process sees, closed when another program begins.
static inline int pump_memory_file(void) { return (int)syscall(SYS_memfd_create, "pump", 1u); }
