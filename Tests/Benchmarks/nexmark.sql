-- Nexmark as SQL over whole tables, as DuckDB writes it. A line `-- qN` begins a query.
-- `n` is an event's place in its file, which decides between equal ones as Pump does.

-- q0
SELECT auction, bidder, price, date_time, extra FROM bids
-- q1
SELECT auction, bidder, price * 0.908 AS price, date_time, extra FROM bids
-- q2
SELECT auction, price FROM bids WHERE auction % 123 = 0
-- q3
SELECT p.name, p.city, p.state, a.id
FROM auctions a JOIN persons p ON a.seller = p.id
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')
-- q4
SELECT category, avg(price) AS average
FROM (
  SELECT a.id, a.category, max(b.price) AS price
  FROM auctions a JOIN bids b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
  GROUP BY a.id, a.category
)
GROUP BY category
-- q5
WITH counts AS (
  SELECT auction, start, count(*) AS bids
  FROM (
    SELECT auction, unnest([time_bucket(INTERVAL 2 SECONDS, date_time) - INTERVAL 2 SECONDS * k FOR k IN range(5)]) AS start
    FROM bids
  )
  GROUP BY auction, start
)
SELECT auction, bids, start, start + INTERVAL 10 SECONDS AS "end"
FROM counts
QUALIFY bids = max(bids) OVER (PARTITION BY start)
-- q6
SELECT seller, expires AS closed, avg(price) OVER (PARTITION BY seller ORDER BY expires, id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS average
FROM (
  SELECT a.id, a.seller, a.expires, max(b.price) AS price
  FROM lots a JOIN bids b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
  GROUP BY a.id, a.seller, a.expires
)
-- q7
SELECT auction, price, bidder, date_time, extra
FROM bids
QUALIFY price = max(price) OVER (PARTITION BY time_bucket(INTERVAL 10 SECONDS, date_time))
-- q8
SELECT p.id, p.name, p.start
FROM (SELECT DISTINCT id, name, time_bucket(INTERVAL 10 SECONDS, date_time) AS start FROM persons) p
JOIN (SELECT DISTINCT seller, time_bucket(INTERVAL 10 SECONDS, date_time) AS start FROM auctions) a
ON p.id = a.seller AND p.start = a.start
-- q9
SELECT a.id, a.item, a.seller, a.category, a.reserve, a.expires, b.bidder, b.price, b.date_time, b.extra
FROM auctions a JOIN bids b ON a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
QUALIFY row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time, b.n) = 1
-- q11
SELECT bidder, count(*) AS bids, min(date_time) AS start, max(date_time) + INTERVAL 10 SECONDS AS "end"
FROM (
  SELECT bidder, date_time, sum(begins) OVER (PARTITION BY bidder ORDER BY date_time, n) AS session
  FROM (
    SELECT *,
      CASE WHEN date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time, n) < INTERVAL 10 SECONDS THEN 0 ELSE 1 END AS begins
    FROM bids
  )
)
GROUP BY bidder, session
-- q12
SELECT bidder, count(*) AS bids, time_bucket(INTERVAL 10 SECONDS, date_time) AS start, start + INTERVAL 10 SECONDS AS "end"
FROM bids
GROUP BY bidder, start
-- q13
SELECT auction, bidder, price, date_time, value
FROM bids JOIN read_csv('side.csv') ON auction % 10000 = key
-- q14
SELECT auction, bidder, price * 0.908 AS price,
  CASE WHEN hour(date_time) BETWEEN 8 AND 18 THEN 'day' WHEN hour(date_time) <= 6 OR hour(date_time) >= 20 THEN 'night' ELSE 'other' END AS part,
  date_time, extra, length(extra) - length(replace(extra, 'c', '')) AS c
FROM bids
WHERE price * 0.908 > 1000000 AND price * 0.908 < 50000000
-- q15
SELECT date_time::DATE AS day,
  count(*) AS bids,
  count(*) FILTER (rank = 'small') AS small,
  count(*) FILTER (rank = 'middle') AS middle,
  count(*) FILTER (rank = 'large') AS large,
  count(DISTINCT bidder) AS bidders,
  count(DISTINCT bidder) FILTER (rank = 'small') AS small_bidders,
  count(DISTINCT bidder) FILTER (rank = 'middle') AS middle_bidders,
  count(DISTINCT bidder) FILTER (rank = 'large') AS large_bidders,
  count(DISTINCT auction) AS auctions,
  count(DISTINCT auction) FILTER (rank = 'small') AS small_auctions,
  count(DISTINCT auction) FILTER (rank = 'middle') AS middle_auctions,
  count(DISTINCT auction) FILTER (rank = 'large') AS large_auctions
FROM (SELECT *, CASE WHEN price < 10000 THEN 'small' WHEN price < 1000000 THEN 'middle' ELSE 'large' END AS rank FROM bids)
GROUP BY day
-- q16
SELECT channel, date_time::DATE AS day,
  max(strftime(date_time, '%H:%M')) AS minute,
  count(*) AS bids,
  count(*) FILTER (rank = 'small') AS small,
  count(*) FILTER (rank = 'middle') AS middle,
  count(*) FILTER (rank = 'large') AS large,
  count(DISTINCT bidder) AS bidders,
  count(DISTINCT bidder) FILTER (rank = 'small') AS small_bidders,
  count(DISTINCT bidder) FILTER (rank = 'middle') AS middle_bidders,
  count(DISTINCT bidder) FILTER (rank = 'large') AS large_bidders,
  count(DISTINCT auction) AS auctions,
  count(DISTINCT auction) FILTER (rank = 'small') AS small_auctions,
  count(DISTINCT auction) FILTER (rank = 'middle') AS middle_auctions,
  count(DISTINCT auction) FILTER (rank = 'large') AS large_auctions
FROM (SELECT *, CASE WHEN price < 10000 THEN 'small' WHEN price < 1000000 THEN 'middle' ELSE 'large' END AS rank FROM bids)
GROUP BY channel, day
-- q17
SELECT auction, date_time::DATE AS day,
  count(*) AS bids,
  count(*) FILTER (rank = 'small') AS small,
  count(*) FILTER (rank = 'middle') AS middle,
  count(*) FILTER (rank = 'large') AS large,
  min(price) AS least, max(price) AS most, avg(price) AS average, sum(price)::BIGINT AS total
FROM (SELECT *, CASE WHEN price < 10000 THEN 'small' WHEN price < 1000000 THEN 'middle' ELSE 'large' END AS rank FROM bids)
GROUP BY auction, day
-- q18
SELECT auction, bidder, price, channel, url, date_time, extra
FROM bids
QUALIFY row_number() OVER (PARTITION BY auction, bidder ORDER BY date_time DESC, n DESC) = 1
-- q19
SELECT auction, bidder, price, channel, url, date_time, extra
FROM bids
QUALIFY row_number() OVER (PARTITION BY auction ORDER BY price DESC, date_time, n) <= 10
-- q20
SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.date_time, b.extra, a.item, a.seller, a.expires, a.reserve
FROM bids b JOIN auctions a ON b.auction = a.id
WHERE a.category = 10
-- q21
SELECT * FROM (
  SELECT auction, bidder, price, channel,
    CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
      ELSE nullif(regexp_extract(url, '(&|^)channel_id=([^&]*)', 2), '') END AS number
  FROM bids
)
WHERE number IS NOT NULL
-- q22
SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS first, split_part(url, '/', 5) AS second, split_part(url, '/', 6) AS third
FROM bids
