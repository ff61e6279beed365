let encodingFunctions: [FunctionSpec] = [
  .init("encoding", ["to_bytes(text: String) -> Bytes"], "The text's UTF-8 bytes.", #"length(to_bytes("ñ")) == 2"#),
  .init(
    "encoding", ["to_text(bytes: Bytes) -> String"], "Bytes as UTF-8 text; fails where they are none.", #"to_text(to_bytes("ñ")) == "ñ""#,
    fails: true),
  .init(
    "encoding", ["base64(bytes: Bytes) -> String", "base64(text: String) -> String"], "Base64 with padding (RFC 4648).",
    #"base64("pump") == "cHVtcA==""#),
  .init(
    "encoding", ["from_base64(text: String) -> Bytes"], "Reads base64; fails on other text.",
    #"to_text(from_base64("cHVtcA==")) == "pump""#, fails: true),
  .init(
    "encoding", ["hex(bytes: Bytes) -> String", "hex(text: String) -> String", "hex(x: Int) -> String"],
    "Lower-case hex digits: two a byte, or a number's 64 bits without leading zeros.", #"hex("AB") == "4142" and hex(255) == "ff""#),
  .init("encoding", ["from_hex(text: String) -> Bytes"], "Reads pairs of hex digits.", #"to_text(from_hex("4142")) == "AB""#, fails: true),
  .init(
    "encoding", ["url_encode(text: String) -> String"],
    "Percent-encoded for a URL's parts (RFC 3986: all but letters, digits and - . _ ~).", #"url_encode("a b&c") == "a%20b%26c""#),
  .init(
    "encoding", ["url_path(text: String) -> String"], "The same for a whole path: its slashes stay.",
    #"url_path("/a b/c?d") == "/a%20b/c%3Fd""#),
  .init(
    "encoding", ["url_decode(text: String) -> String"], "Percent signs resolved, `+` as it is; fails where no UTF-8 text comes out.",
    #"url_decode("a%20b") == "a b""#, fails: true),
  .init("encoding", ["html_escape(text: String) -> String"], "With & < > \" ' as entities.", #"html_escape("<b>") == "&lt;b&gt;""#),
  .init(
    "hashing", ["md5(bytes: Bytes) -> String", "md5(text: String) -> String"], "MD5 in hex; for checksums, not for security.",
    #"md5("pump") == "cf82720db122ae41719df5b05503b749""#),
  .init(
    "hashing", ["sha1(bytes: Bytes) -> String", "sha1(text: String) -> String"], "SHA-1 in hex; for checksums, not for security.",
    #"length(sha1("pump")) == 40"#),
  .init(
    "hashing", ["sha256(bytes: Bytes) -> String", "sha256(text: String) -> String"], "SHA-256 in hex (FIPS 180-4).",
    #"sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#),
  .init(
    "hashing",
    [
      "hmac_sha256(text: String, key: String) -> String", "hmac_sha256(bytes: Bytes, key: String) -> String",
      "hmac_sha256(text: String, key: Secret) -> String", "hmac_sha256(bytes: Bytes, key: Secret) -> String",
    ],
    "HMAC with SHA-256 in hex (RFC 2104). The key is given by its name, so that nobody takes one for the other; it may be a secret of the configuration: `meta.raw.hmac_sha256(key: config.shop.key)`.",
    #"starts_with(hmac_sha256("The quick brown fox jumps over the lazy dog", key: "key"), "f7bc83f4")"#, labelled: "key"),
  .init(
    "hashing", ["crc32(bytes: Bytes) -> Int", "crc32(text: String) -> Int"], "CRC-32 as zlib computes it.",
    #"crc32("123456789") == 3421780262"#),
  .init(
    "hashing", ["fnv1a(text: String) -> Int"], "FNV-1a, 64 bits, as a signed number: quick and stable, for partitions and buckets.",
    #"fnv1a("a") == -5808556873153909620"#),
  .init("uuid", ["uuid_v4() -> Uuid"], "A random UUID; seeded in tests.", "to_string(uuid_v4()) != to_string(uuid_v4())"),
  .init(
    "uuid", ["uuid_v5(namespace: Uuid, name: String) -> Uuid"], "The UUID of a name within a namespace (RFC 9562, SHA-1).",
    #"to_string(uuid_v5(to_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com")) == "2ed6657d-e927-568b-95e1-2665a8aea6a2""#),
  .init(
    "uuid", ["uuid_v7() -> Uuid"], "A UUID that sorts by time, and rises within a process (RFC 9562).",
    #"substring(to_string(uuid_v7()), 14, 1) == "7""#),
  .init(
    "uuid", ["to_uuid(text: String) -> Uuid"], "Reads the 36 characters of a UUID in either case.",
    #"to_string(to_uuid("2ED6657D-E927-568B-95E1-2665A8AEA6A2")) == "2ed6657d-e927-568b-95e1-2665a8aea6a2""#, fails: true),
]
