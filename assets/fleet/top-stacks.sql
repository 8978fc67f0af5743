-- Stacks that allocate a tag, over all hosts: those with the most outstanding bytes first
-- parameter tag: the pool tag, four characters, such as Leak
-- parameter top = 10: number of stacks
WITH of_tag AS (
    SELECT
        k.stack AS stack,
        k.driver AS driver,
        k.function AS function_name,
        COUNT(DISTINCT a.host) AS hosts,
        COUNT(*) AS allocations,
        CAST(SUM(a.size) AS BIGINT) AS size,
        CAST(SUM(CASE WHEN a.type = 'AIFO' THEN a.size ELSE 0 END) AS BIGINT) AS impacting_size
    FROM allocations AS a
    JOIN stacks AS k ON k.trace_id = a.trace_id AND k.stack_id = a.stack_id
    WHERE a.tag = (SELECT p.tag FROM parameters AS p)
    GROUP BY k.stack, k.driver, k.function
),
placed AS (
    SELECT
        o.*,
        ROW_NUMBER() OVER (ORDER BY o.impacting_size DESC, o.size DESC, o.stack) AS place
    FROM of_tag AS o
)
SELECT
    q.place AS place,
    q.impacting_size AS impacting_size,
    q.size AS size,
    q.allocations AS allocations,
    q.hosts AS hosts,
    q.driver AS driver,
    q.function_name AS function_name,
    q.stack AS stack
FROM placed AS q
WHERE q.place <= CAST((SELECT p.top FROM parameters AS p) AS BIGINT)
ORDER BY place
