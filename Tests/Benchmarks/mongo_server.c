// A MongoDB for benchmarks: its answers are ready before anybody asks, and no document is looked into.
// Argument: a file of rows, id, customer and amount with tabs between, which every `find` gives in batches of 1,000.
// First line of output: its port. Each line of input is answered by the number of documents that were inserted since the
// line before; it ends with its input.

#include <arpa/inet.h>
#include <bson/bson.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 1000
#define MAX_BATCHES 100000
#define MAX_CLIENTS 64
#define MAX_MESSAGE 48000000

enum { OP_REPLY = 1, OP_QUERY = 2004, OP_MSG = 2013 };

typedef struct {
  int32_t length, id, answers, operation;
} header_t;

// A header, and what stands before the document of an answer.
typedef struct {
  uint8_t *bytes;
  int32_t size;
} answer_t;

static answer_t hello, hello_in_reply, batches[MAX_BATCHES];
static int64_t inserted;
static uint8_t message[MAX_MESSAGE];

static answer_t ready(const bson_t *document, int32_t operation) {
  // OP_MSG has flags and the kind of its section; OP_REPLY has flags, a cursor, a place and the number of documents.
  uint8_t prefix[20] = {0};
  size_t skipped = operation == OP_MSG ? 5 : 20;
  if (operation == OP_REPLY) prefix[16] = 1;
  int32_t size = (int32_t)(sizeof(header_t) + skipped + document->len);
  header_t header = {size, 0, 0, operation};
  uint8_t *bytes = malloc((size_t)size);
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + sizeof header, prefix, skipped);
  memcpy(bytes + sizeof header + skipped, bson_get_data(document), document->len);
  return (answer_t){bytes, size};
}

// Number `index` of the batches. A cursor's name is the number of its next batch, so nothing is kept for it.
static answer_t ready_batch(FILE *rows, int64_t index) {
  bson_t document = BSON_INITIALIZER, cursor, list, item;
  char *line = NULL, key[16];
  size_t room = 0;
  int count = 0;
  BSON_APPEND_DOCUMENT_BEGIN(&document, "cursor", &cursor);
  bson_append_array_begin(&cursor, index == 0 ? "firstBatch" : "nextBatch", -1, &list);
  for (; count < BATCH && getline(&line, &room, rows) > 0; count++) {
    char *customer = strchr(line, '\t') + 1, *amount = strchr(customer, '\t') + 1;
    bson_decimal128_t number;
    bson_decimal128_from_string_w_len(amount, (int)strcspn(amount, "\n"), &number);
    snprintf(key, sizeof key, "%d", count);
    bson_append_document_begin(&list, key, -1, &item);
    BSON_APPEND_INT64(&item, "id", atoll(line));
    bson_append_utf8(&item, "customer", -1, customer, (int)(amount - customer - 1));
    BSON_APPEND_DECIMAL128(&item, "amount", &number);
    bson_append_document_end(&list, &item);
  }
  free(line);
  bson_append_array_end(&cursor, &list);
  BSON_APPEND_INT64(&cursor, "id", count < BATCH ? 0 : index + 1);
  BSON_APPEND_UTF8(&cursor, "ns", "bench.orders");
  bson_append_document_end(&document, &cursor);
  BSON_APPEND_DOUBLE(&document, "ok", 1);
  answer_t answer = ready(&document, OP_MSG);
  bson_destroy(&document);
  return answer;
}

static void prepare(const char *path) {
  bson_t *document = BCON_NEW(
      "helloOk", BCON_BOOL(true), "isWritablePrimary", BCON_BOOL(true), "ismaster", BCON_BOOL(true), "maxBsonObjectSize",
      BCON_INT32(16 << 20), "maxMessageSizeBytes", BCON_INT32(MAX_MESSAGE), "maxWriteBatchSize", BCON_INT32(100000),
      "logicalSessionTimeoutMinutes", BCON_INT32(30), "minWireVersion", BCON_INT32(0), "maxWireVersion", BCON_INT32(17), "ok",
      BCON_DOUBLE(1));
  hello = ready(document, OP_MSG);
  hello_in_reply = ready(document, OP_REPLY);
  bson_destroy(document);
  FILE *rows = fopen(path, "r");
  // A last batch that is full leaves an empty one behind it.
  for (int64_t i = 0; !feof(rows); i++) batches[i] = ready_batch(rows, i);
  fclose(rows);
}

static bool receive(int client, void *buffer, size_t size) {
  for (size_t have = 0; have < size;) {
    ssize_t got = recv(client, (uint8_t *)buffer + have, size - have, 0);
    if (got <= 0) return false;
    have += (size_t)got;
  }
  return true;
}

static bool answer(int client, answer_t answer, int32_t id) {
  ((header_t *)answer.bytes)->answers = id;
  return send(client, answer.bytes, (size_t)answer.size, MSG_NOSIGNAL) == answer.size;
}

static int32_t int32_at(const uint8_t *place) {
  int32_t value;
  memcpy(&value, place, sizeof value);
  return value;
}

// Documents in the section that follows the command: they are counted by their lengths.
static int32_t documents(const uint8_t *section, const uint8_t *end) {
  int32_t count = 0;
  const uint8_t *place = section + 5;
  for (place += strlen((const char *)place) + 1; place < end; place += int32_at(place)) count++;
  return count;
}

static bool serve(int client) {
  header_t header;
  if (!receive(client, &header, sizeof header)) return false;
  size_t size = (size_t)header.length - sizeof header;
  if (size > sizeof message || !receive(client, message, size)) return false;
  // Only the first hello comes so.
  if (header.operation == OP_QUERY) return answer(client, hello_in_reply, header.id);
  const uint8_t *command = message + 5;
  const char *name = (const char *)command + 5;
  if (strcmp(name, "find") == 0) return answer(client, batches[0], header.id);
  if (strcmp(name, "getMore") == 0) {
    int64_t cursor;
    memcpy(&cursor, name + sizeof "getMore", sizeof cursor);
    return answer(client, batches[cursor], header.id);
  }
  // Whatever else is asked, this says `ok` too.
  if (strcmp(name, "insert") != 0) return answer(client, hello, header.id);
  int32_t count = documents(command + int32_at(command), message + size);
  inserted += count;
  bson_t *document = BCON_NEW("n", BCON_INT32(count), "ok", BCON_DOUBLE(1));
  answer_t done = ready(document, OP_MSG);
  bool sent = answer(client, done, header.id);
  free(done.bytes);
  bson_destroy(document);
  return sent;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  prepare(argv[1]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, (struct sockaddr *)&address, size);
  listen(listener, MAX_CLIENTS);
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  // Clients come one after the other, so each is waited for while it is in the middle of a message.
  struct pollfd watched[2 + MAX_CLIENTS] = {{.fd = 0, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
  char line[16];
  for (nfds_t count = 2; poll(watched, count, -1) > 0;) {
    if (watched[0].revents) {
      if (read(0, line, sizeof line) <= 0) return 0;
      printf("%lld\n", (long long)inserted);
      fflush(stdout);
      inserted = 0;
    }
    for (nfds_t i = 2; i < count;) {
      if (!watched[i].revents || serve(watched[i].fd)) {
        i++;
      } else {
        close(watched[i].fd);
        watched[i] = watched[--count];
      }
    }
    if (watched[1].revents && count < 2 + MAX_CLIENTS) {
      int client = accept(listener, NULL, NULL), on = 1;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watched[count++] = (struct pollfd){.fd = client, .events = POLLIN};
    }
  }
}
