/// The interface files of the built-in connectors, embedded so that a spec is checked with none of their clients
/// installed. One line each.
public let interfaceFiles: [(path: String, bytes: [UInt8])] = [
  ("Embedded.pump", PackageResources.Embedded_pump),
  ("SQLite.pump", PackageResources.SQLite_pump),
  ("PostgreSQL.pump", PackageResources.PostgreSQL_pump),
  ("Kafka.pump", PackageResources.Kafka_pump),
  ("MQTT.pump", PackageResources.MQTT_pump),
  ("MongoDB.pump", PackageResources.MongoDB_pump),
  ("Elasticsearch.pump", PackageResources.Elasticsearch_pump),
  ("Http.pump", PackageResources.Http_pump),
  ("Webhook.pump", PackageResources.Webhook_pump),
]
