// The peer of W1: simdjson On-Demand over the whole file in batches of 1 MiB, output written by hand.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <simdjson.h>
#include <string>
using namespace simdjson;

int main(int argc, char **argv) {
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  const size_t chunk = 1 << 20;
  std::string buffer(chunk + (1 << 20) + SIMDJSON_PADDING, '\0'), result;
  ondemand::parser parser;
  size_t have = 0;
  char number[64];
  while (true) {
    size_t got = fread(buffer.data() + have, 1, chunk, in);
    size_t total = have + got, whole = total;
    if (got > 0) while (whole > 0 && buffer[whole - 1] != '\n') whole--;
    size_t start = 0;
    while (start < whole) {
      size_t end = (char *)memchr(buffer.data() + start, '\n', whole - start) - buffer.data();
      ondemand::document order = parser.iterate(buffer.data() + start, end - start, buffer.size() - start);
      int64_t id = 0;
      double amount = 0;
      std::string_view customer, currency;
      for (auto field : order.get_object()) {
        std::string_view key = field.unescaped_key();
        if (key == "id") id = field.value().get_int64();
        else if (key == "customer") customer = field.value().raw_json_token();
        else if (key == "amount") amount = field.value().get_double();
        else if (key == "currency") currency = field.value().raw_json_token();
      }
      if (amount > 500) {
        result += "{\"id\":";
        result.append(number, std::to_chars(number, number + 64, id).ptr - number);
        result += ",\"customer\":";
        result += customer;
        result += ",\"total\":";
        result.append(number, std::to_chars(number, number + 64, amount * 1.21).ptr - number);
        result += ",\"currency\":";
        result += currency;
        result += "}\n";
      }
      start = end + 1;
    }
    fwrite(result.data(), 1, result.size(), out);
    result.clear();
    have = total - whole;
    memmove(buffer.data(), buffer.data() + whole, have);
    if (got == 0) break;
  }
  fclose(out);
}
