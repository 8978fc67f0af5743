-- First night on which each leak appeared, with the versions of its driver on that night
-- parameter min_confidence = 0.5: lowest confidence of a verdict that counts, 0 to 1
WITH leaks AS (
    SELECT
        s.tag AS tag,
        s.paged AS paged,
        COALESCE(s.driver, '') AS driver,
        s.driver_version AS driver_version,
        s.host AS host,
        CAST(s.date AS STRING) AS night
    FROM suspects AS s
    WHERE s.verdict = 'leak'
        AND s.date IS NOT NULL
        AND s.confidence >= CAST((SELECT p.min_confidence FROM parameters AS p) AS DOUBLE)
),
first_nights AS (
    SELECT l.tag AS tag, l.paged AS paged, l.driver AS driver, MIN(l.night) AS night, COUNT(DISTINCT l.night) AS nights
    FROM leaks AS l
    GROUP BY l.tag, l.paged, l.driver
),
recorded AS (
    SELECT n.night AS night, ROW_NUMBER() OVER (ORDER BY n.night) - 1 AS nights_before
    FROM (SELECT DISTINCT CAST(t.date AS STRING) AS night FROM traces AS t WHERE t.date IS NOT NULL) AS n
)
SELECT
    f.tag AS tag,
    f.paged AS paged,
    f.driver AS driver,
    f.night AS first_night,
    r.nights_before AS nights_without_it_before,
    f.nights AS nights_with_it,
    COUNT(DISTINCT l.host) AS hosts_on_first_night,
    MIN(l.driver_version) AS lowest_version,
    MAX(l.driver_version) AS highest_version
FROM first_nights AS f
JOIN leaks AS l ON l.tag = f.tag AND l.paged = f.paged AND l.driver = f.driver AND l.night = f.night
JOIN recorded AS r ON r.night = f.night
GROUP BY f.tag, f.paged, f.driver, f.night, r.nights_before, f.nights
ORDER BY first_night DESC, hosts_on_first_night DESC, tag, paged, driver
