// The peer of the MongoDB connector, on libmongoc itself.
//   mongo URI insert FILE   inserts rows, id, customer and amount with tabs between, 1,000 in a command
//   mongo URI read FILE     writes all documents as lines of JSON

#include <inttypes.h>
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 1000

static bson_error_t error;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, error.message);
  exit(1);
}

static void flush(mongoc_collection_t *collection, bson_t **documents, size_t count) {
  if (count == 0) return;
  if (!mongoc_collection_insert_many(collection, (const bson_t **)documents, count, NULL, NULL, &error)) fail("insert");
  for (size_t i = 0; i < count; i++) bson_reinit(documents[i]);
}

static void insert(mongoc_collection_t *collection, FILE *rows) {
  bson_t *documents[BATCH];
  for (size_t i = 0; i < BATCH; i++) documents[i] = bson_new();
  char *line = NULL;
  size_t room = 0, count = 0;
  ssize_t length;
  while ((length = getline(&line, &room, rows)) > 0) {
    char *customer = strchr(line, '\t') + 1, *amount = strchr(customer, '\t') + 1;
    bson_decimal128_t number;
    bson_decimal128_from_string_w_len(amount, (int)(line + length - 1 - amount), &number);
    bson_t *document = documents[count++];
    BSON_APPEND_INT64(document, "id", strtoll(line, NULL, 10));
    bson_append_utf8(document, "customer", -1, customer, (int)(amount - customer - 1));
    BSON_APPEND_DECIMAL128(document, "amount", &number);
    if (count == BATCH) {
      flush(collection, documents, count);
      count = 0;
    }
  }
  flush(collection, documents, count);
  free(line);
  for (size_t i = 0; i < BATCH; i++) bson_destroy(documents[i]);
}

static void print(const bson_t *document, FILE *out) {
  bson_iter_t field;
  int64_t id = 0;
  const char *customer = "";
  uint32_t length = 0;
  bson_decimal128_t number;
  char amount[BSON_DECIMAL128_STRING] = "";
  bson_iter_init(&field, document);
  while (bson_iter_next(&field)) {
    const char *key = bson_iter_key(&field);
    if (strcmp(key, "id") == 0) {
      id = bson_iter_as_int64(&field);
    } else if (strcmp(key, "customer") == 0) {
      customer = bson_iter_utf8(&field, &length);
    } else if (strcmp(key, "amount") == 0 && bson_iter_decimal128(&field, &number)) {
      bson_decimal128_to_string(&number, amount);
    }
  }
  char *escaped = bson_utf8_escape_for_json(customer, length);
  fprintf(out, "{\"id\":%" PRId64 ",\"customer\":\"%s\",\"amount\":%s}\n", id, escaped, amount);
  bson_free(escaped);
}

static void read_all(mongoc_collection_t *collection, FILE *out) {
  bson_t *filter = bson_new();
  bson_t *options = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "}", "batchSize", BCON_INT32(BATCH));
  mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, options, NULL);
  const bson_t *document;
  while (mongoc_cursor_next(cursor, &document)) print(document, out);
  if (mongoc_cursor_error(cursor, &error)) fail("find");
  mongoc_cursor_destroy(cursor);
  bson_destroy(options);
  bson_destroy(filter);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  bool writes = strcmp(argv[2], "insert") == 0;
  FILE *file = fopen(argv[3], writes ? "r" : "w");
  if (!file) return 2;
  mongoc_init();
  mongoc_client_t *client = mongoc_client_new(argv[1]);
  mongoc_collection_t *collection = mongoc_client_get_collection(client, "bench", "orders");
  (writes ? insert : read_all)(collection, file);
  mongoc_collection_destroy(collection);
  mongoc_client_destroy(client);
  mongoc_cleanup();
  return fclose(file);
}
