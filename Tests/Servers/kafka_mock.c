// librdkafka's mock cluster as a process of its own.
// Arguments: the number of brokers. First line of output: their addresses. Then a command on each line of input, answered
// by `ok` or `error WHY`; it ends with its input. kafka.py says what the commands do.

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 64

static rd_kafka_mock_cluster_t *cluster;

static rd_kafka_resp_err_t down(int count, char **words) {
  (void)count;
  return rd_kafka_mock_broker_set_down(cluster, atoi(words[0]));
}

static rd_kafka_resp_err_t up(int count, char **words) {
  (void)count;
  return rd_kafka_mock_broker_set_up(cluster, atoi(words[0]));
}

static rd_kafka_resp_err_t rtt(int count, char **words) {
  (void)count;
  return rd_kafka_mock_broker_set_rtt(cluster, atoi(words[0]), atoi(words[1]));
}

static rd_kafka_resp_err_t topic(int count, char **words) {
  (void)count;
  return rd_kafka_mock_topic_create(cluster, words[0], atoi(words[1]), atoi(words[2]));
}

static rd_kafka_resp_err_t topicerr(int count, char **words) {
  (void)count;
  rd_kafka_mock_topic_set_error(cluster, words[0], (rd_kafka_resp_err_t)atoi(words[1]));
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t leader(int count, char **words) {
  (void)count;
  return rd_kafka_mock_partition_set_leader(cluster, words[0], atoi(words[1]), atoi(words[2]));
}

static rd_kafka_resp_err_t coord(int count, char **words) {
  (void)count;
  return rd_kafka_mock_coordinator_set(cluster, words[0], words[1], atoi(words[2]));
}

static rd_kafka_resp_err_t errors(int count, char **words) {
  rd_kafka_resp_err_t codes[MAX_WORDS];
  for (int i = 1; i < count; i++) codes[i - 1] = (rd_kafka_resp_err_t)atoi(words[i]);
  rd_kafka_mock_push_request_errors_array(cluster, (int16_t)atoi(words[0]), (size_t)count - 1, codes);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t clear(int count, char **words) {
  (void)count;
  rd_kafka_mock_clear_request_errors(cluster, (int16_t)atoi(words[0]));
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static const struct {
  const char *name;
  int least;  // so many words must follow
  rd_kafka_resp_err_t (*run)(int count, char **words);
} commands[] = {
    {"down", 1, down},         {"up", 1, up},         {"rtt", 2, rtt},     {"topic", 3, topic}, {"topicerr", 2, topicerr},
    {"leader", 3, leader},     {"coord", 3, coord},   {"errors", 2, errors}, {"clear", 1, clear},
};

static void answer(char *line) {
  char *words[MAX_WORDS];
  int count = 0;
  for (char *word = strtok(line, " \n"); word && count < MAX_WORDS; word = strtok(NULL, " \n")) words[count++] = word;
  for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(commands[i].name, words[0]) != 0) continue;
    if (count - 1 < commands[i].least) {
      printf("error %s wants %d words\n", commands[i].name, commands[i].least);
      return;
    }
    rd_kafka_resp_err_t error = commands[i].run(count - 1, words + 1);
    if (error)
      printf("error %s\n", rd_kafka_err2name(error));
    else
      puts("ok");
    return;
  }
  puts("error unknown command");
}

int main(int argc, char **argv) {
  char why[512], line[4096];
  rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
  if (!handle) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  cluster = rd_kafka_mock_cluster_new(handle, argc > 1 ? atoi(argv[1]) : 1);
  if (!cluster) {
    fprintf(stderr, "no cluster of that size\n");
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts(rd_kafka_mock_cluster_bootstraps(cluster));
  while (fgets(line, sizeof line, stdin)) answer(line);
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(handle);
  return 0;
}
