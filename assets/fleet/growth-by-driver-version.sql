-- Growth of each driver's tags by version of the driver: a version on which a tag leaks stands first
-- parameter driver = : only this driver, such as myfault.sys (default: all)
-- parameter min_confidence = 0.5: lowest confidence of a verdict that counts as a leak, 0 to 1
WITH rows_of_driver AS (
    SELECT
        s.driver AS driver,
        s.driver_version AS driver_version,
        s.tag AS tag,
        s.paged AS paged,
        s.host AS host,
        s.growth_bytes_per_hour AS growth,
        CASE
            WHEN s.verdict = 'leak'
                AND s.confidence >= CAST((SELECT p.min_confidence FROM parameters AS p) AS DOUBLE)
            THEN s.host
        END AS leaking_host
    FROM suspects AS s
    WHERE s.driver IS NOT NULL
        AND (
            (SELECT p.driver FROM parameters AS p) = ''
            OR LOWER(s.driver) = (SELECT LOWER(p.driver) FROM parameters AS p)
        )
)
SELECT
    r.driver AS driver,
    r.driver_version AS driver_version,
    r.tag AS tag,
    r.paged AS paged,
    COUNT(DISTINCT r.host) AS hosts,
    COUNT(DISTINCT r.leaking_host) AS leaking_hosts,
    ROUND(MEDIAN(r.growth), 1) AS median_growth_bytes_per_hour,
    ROUND(MAX(r.growth), 1) AS max_growth_bytes_per_hour
FROM rows_of_driver AS r
GROUP BY r.driver, r.driver_version, r.tag, r.paged
ORDER BY leaking_hosts DESC, median_growth_bytes_per_hour DESC, driver, driver_version, tag, paged
