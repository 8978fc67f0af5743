//! Every threshold of the verdict, each with its reason. No other place of the module holds a number that decides. All are
//! shares and counts, none is in bytes or seconds: a trace in which every size or every time is doubled is judged alike.

/// Share of the view that is set aside as warm-up unless the user says otherwise: services that start with the recording
/// fill their caches first.
pub const WARM_UP_SHARE: f64 = 0.1;

/// Intervals into which the births of survivors are counted. Fewer would take a burst for a slope, more would leave a slow
/// leak of a dozen blocks mostly empty intervals.
pub const BIRTH_BINS: usize = 16;

/// Points of the outstanding curve: 64 give 2,016 pairs to the slope, enough for an interval of confidence, and still see a
/// plateau in the last eighth.
pub const CURVE_POINTS: usize = 64;

/// Fewer survivors than this say nothing: at eight, chance puts them into fewer than four of the sixteen intervals in less
/// than one case of a thousand.
pub const LEAST_SURVIVORS: u64 = 8;

/// Fewer survivors than this are not called a leak, however evenly they were born: they are said to grow.
pub const LEAST_FOR_LEAK: u64 = 12;

/// So many standard deviations must lie between the gain at the end and the average gain before.
pub const LEVEL_DEVIATIONS: f64 = 2.6;

/// So many survivors are needed for each block of the same kind that was freed at a greater age than theirs: blocks that old
/// do get freed then, and the survivors may be next.
pub const SURVIVORS_PER_LATE_FREE: f64 = 8.0;

/// The same for blocks from before the trace that were freed late in it: their age is only known from below, and they may
/// stem from another place that uses the tag.
pub const SURVIVORS_PER_EARLIER_FREE: f64 = 3.0;

/// Survivors must be this many times as many as lost frees would leave.
pub const SURVIVORS_PER_LOST_FREE: f64 = 4.0;

/// Share of the judged time that has to be left when the usual lifetime is taken off its end: births in less than that show
/// no course.
pub const LEAST_WINDOW: f64 = 0.25;

/// With a usual lifetime above this share of the judged time, what has not been freed yet may still be: growing, not leak.
pub const LONGEST_LIFE: f64 = 0.5;

/// A leak goes on: survivors must have been born in this share of the intervals that chance would fill.
pub const LEAST_SPREAD: f64 = 0.5;

/// And in at least so many intervals.
pub const LEAST_INTERVALS: usize = 4;

/// More than this share of the survivors from one interval of sixteen, or from two neighbours, is a burst.
pub const BURST_SHARE: f64 = 0.6;

/// The pause since the last birth must be shorter than chance allows with this probability, else growth has stopped.
pub const STOPPED_CHANCE: f64 = 0.01;

/// Growth in steps has long pauses by nature: it has stopped if the last pause is longer than this many of the longest before.
pub const STOPPED_PAUSES: f64 = 1.5;

/// The pause at the end has to be at least this share of the judged time.
pub const LEAST_PAUSE: f64 = 0.03;

/// The outstanding curve is level where it gains less than this share of its average gain.
pub const LEVEL_SHARE: f64 = 0.25;

/// A curve that ends at less than this share of its highest point does not grow.
pub const GROWS_TO: f64 = 0.8;

/// Growth that is less than this share of all that was allocated, and freed in time, is traffic.
pub const CHURN_SHARE: f64 = 0.02;

/// Share of the pairs of points that must rise.
pub const LEAST_MONOTONY: f64 = 0.7;

/// Where the rate of allocations rose with the outstanding bytes, and explains at least this share of their growth, the load
/// rose, not a leak.
pub const LOAD_SHARE: f64 = 0.6;
