// Checks the MongoDB stand-in with libmongoc, a driver that shares nothing with pymongo.
// Argument: the address. Prints a line `ok WHAT` or `failed WHAT` for each check.

#include <mongoc/mongoc.h>
#include <stdio.h>

static bson_error_t error;

static void check(bool condition, const char *what) {
  if (condition)
    printf("ok %s\n", what);
  else
    printf("failed %s: %s\n", what, error.message);
  error.message[0] = 0;
}

static int32_t int_at(const bson_t *document, const char *path) {
  bson_iter_t iterator, found;
  if (!bson_iter_init(&iterator, document) || !bson_iter_find_descendant(&iterator, path, &found)) return -1;
  return bson_iter_int32(&found);
}

// Reads the next event, waiting for it, and checks that it is about this _id.
static bool next_is(mongoc_change_stream_t *stream, int32_t identifier) {
  const bson_t *event;
  for (int attempt = 0; attempt < 20; attempt++) {
    if (mongoc_change_stream_next(stream, &event)) return int_at(event, "documentKey._id") == identifier;
    if (mongoc_change_stream_error_document(stream, &error, NULL)) return false;
  }
  return false;
}

static bool insert(mongoc_collection_t *collection, int32_t identifier) {
  bson_t *document = BCON_NEW("_id", BCON_INT32(identifier), "text", BCON_UTF8("příliš"));
  bool inserted = mongoc_collection_insert_one(collection, document, NULL, NULL, &error);
  bson_destroy(document);
  return inserted;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  mongoc_init();
  mongoc_client_t *client = mongoc_client_new(argv[1]);
  mongoc_collection_t *collection = mongoc_client_get_collection(client, "libmongoc", "things");
  bson_t empty = BSON_INITIALIZER, reply;
  const bson_t *document;

  check(insert(collection, 1), "libmongoc inserts");
  check(!insert(collection, 1) && error.code == 11000, "libmongoc sees a duplicate key");

  bson_t *query = BCON_NEW("_id", BCON_INT32(1));
  mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, query, NULL, NULL);
  check(mongoc_cursor_next(cursor, &document) && int_at(document, "_id") == 1 && !mongoc_cursor_next(cursor, &document) &&
            !mongoc_cursor_error(cursor, &error),
        "libmongoc finds");
  mongoc_cursor_destroy(cursor);

  bson_t *options = BCON_NEW("ordered", BCON_BOOL(false));
  mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, options);
  for (int32_t i = 0; i < 1000; i++) {  // of these number 1 is there
    bson_t *one = BCON_NEW("_id", BCON_INT32(i));
    mongoc_bulk_operation_insert_with_opts(bulk, one, NULL, NULL);
    bson_destroy(one);
  }
  bool done = mongoc_bulk_operation_execute(bulk, &reply, &error);
  check(!done && error.code == 11000 && int_at(&reply, "nInserted") == 999 && int_at(&reply, "writeErrors.0.index") == 1,
        "libmongoc writes in bulk, and is told of the one that failed");
  bson_destroy(&reply);
  mongoc_bulk_operation_destroy(bulk);

  int count = 0;
  cursor = mongoc_collection_find_with_opts(collection, &empty, NULL, NULL);
  while (mongoc_cursor_next(cursor, &document)) count++;
  check(count == 1000 && !mongoc_cursor_error(cursor, &error), "libmongoc reads several batches");
  mongoc_cursor_destroy(cursor);

  bson_t *wait = BCON_NEW("maxAwaitTimeMS", BCON_INT64(100));
  mongoc_change_stream_t *stream = mongoc_collection_watch(collection, &empty, wait);
  mongoc_change_stream_next(stream, &document);  // the stream begins only now
  insert(collection, 2001);
  check(next_is(stream, 2001), "libmongoc watches");
  bson_t *resume = BCON_NEW("resumeAfter", BCON_DOCUMENT(mongoc_change_stream_get_resume_token(stream)), "maxAwaitTimeMS",
                            BCON_INT64(100));
  mongoc_change_stream_destroy(stream);
  insert(collection, 2002);
  insert(collection, 2003);
  stream = mongoc_collection_watch(collection, &empty, resume);
  check(next_is(stream, 2002) && next_is(stream, 2003), "libmongoc resumes");
  mongoc_change_stream_destroy(stream);

  bson_destroy(query);
  bson_destroy(options);
  bson_destroy(wait);
  bson_destroy(resume);
  mongoc_collection_destroy(collection);
  mongoc_client_destroy(client);
  mongoc_cleanup();
  return 0;
}
