#include <librdkafka/rdkafka.h>

/// One message with headers, copied; Swift does not import variadic functions. The headers are the producer's afterwards
/// where it took the message.
static inline rd_kafka_resp_err_t pump_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition, const void *value,
                                               size_t size, const void *key, size_t key_size, rd_kafka_headers_t *headers,
                                               void *opaque) {
  return rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                           RD_KAFKA_V_VALUE((void *)value, size), RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_HEADERS(headers),
                           RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

/// The same for a message that had its partition already, by its topic's name.
static inline rd_kafka_resp_err_t pump_produce_again(rd_kafka_t *rk, const char *topic, int32_t partition, const void *value,
                                                     size_t size, const void *key, size_t key_size,
                                                     rd_kafka_headers_t *headers, void *opaque) {
  return rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE((void *)value, size),
                           RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque),
                           RD_KAFKA_V_END);
}
