-- Leaking tags by the number of hosts on which they leak
-- parameter min_confidence = 0.5: lowest confidence of a verdict that counts, 0 to 1
SELECT
    s.tag AS tag,
    s.paged AS paged,
    s.driver AS driver,
    COUNT(DISTINCT s.host) AS hosts,
    COUNT(DISTINCT s.trace_id) AS traces,
    CAST(SUM(s.impacting_size) AS BIGINT) AS impacting_size,
    ROUND(MEDIAN(s.growth_bytes_per_hour), 1) AS median_growth_bytes_per_hour,
    ROUND(MAX(s.growth_bytes_per_hour), 1) AS max_growth_bytes_per_hour
FROM suspects AS s
WHERE s.verdict = 'leak'
    AND s.confidence >= CAST((SELECT p.min_confidence FROM parameters AS p) AS DOUBLE)
GROUP BY s.tag, s.paged, s.driver
ORDER BY hosts DESC, traces DESC, impacting_size DESC, tag, paged, driver
