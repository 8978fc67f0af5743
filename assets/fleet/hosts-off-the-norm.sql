-- Hosts on which a tag holds far more memory than on the other hosts of the same night
-- parameter spreads = 10: how many times the usual distance from the median (median absolute deviation) is far
-- parameter min_size = 1048576: least distance from the median in bytes
-- parameter min_hosts = 5: least number of hosts with the tag in a night
WITH sizes AS (
    SELECT
        COALESCE(CAST(s.date AS STRING), '') AS night,
        s.host AS host,
        s.tag AS tag,
        s.paged AS paged,
        MAX(s.impacting_size) AS size
    FROM suspects AS s
    GROUP BY COALESCE(CAST(s.date AS STRING), ''), s.host, s.tag, s.paged
),
medians AS (
    SELECT z.night AS night, z.tag AS tag, z.paged AS paged, COUNT(*) AS hosts, MEDIAN(z.size) AS middle
    FROM sizes AS z
    GROUP BY z.night, z.tag, z.paged
),
spreads AS (
    SELECT z.night AS night, z.tag AS tag, z.paged AS paged, MEDIAN(ABS(z.size - m.middle)) AS spread
    FROM sizes AS z
    JOIN medians AS m ON m.night = z.night AND m.tag = z.tag AND m.paged = z.paged
    GROUP BY z.night, z.tag, z.paged
),
distances AS (
    SELECT
        z.night AS night,
        z.host AS host,
        z.tag AS tag,
        z.paged AS paged,
        z.size AS size,
        m.middle AS middle,
        m.hosts AS hosts,
        z.size - m.middle AS distance,
        d.spread AS spread
    FROM sizes AS z
    JOIN medians AS m ON m.night = z.night AND m.tag = z.tag AND m.paged = z.paged
    JOIN spreads AS d ON d.night = z.night AND d.tag = z.tag AND d.paged = z.paged
)
SELECT
    o.host AS host,
    o.tag AS tag,
    o.paged AS paged,
    COUNT(*) AS nights,
    MIN(o.night) AS first_night,
    MAX(o.size) AS max_size,
    ROUND(MAX(o.middle), 1) AS median_of_hosts,
    ROUND(MAX(o.distance), 1) AS max_distance
FROM distances AS o
WHERE o.hosts >= CAST((SELECT p.min_hosts FROM parameters AS p) AS BIGINT)
    AND o.distance >= CAST((SELECT p.min_size FROM parameters AS p) AS DOUBLE)
    AND o.distance > o.spread * CAST((SELECT p.spreads FROM parameters AS p) AS DOUBLE)
GROUP BY o.host, o.tag, o.paged
ORDER BY max_distance DESC, host, tag, paged
