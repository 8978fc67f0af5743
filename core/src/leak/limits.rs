//! Every threshold of the verdict, each with its reason. No other place of the module holds a number that decides. All are
//! shares, counts and odds, none is in bytes or seconds: a trace in which every size or every time is doubled is judged alike.
//!
//! What no threshold can tell apart within a trace: growth that would have stopped after its end; a store that fills until
//! the last tenth of the view; blocks that live many times as long as the view. Where the evidence leaves such a choice
//! open, the verdict is growing, not leak.

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

/// A function that kept fewer blocks than this, two for each interval, is judged again together with the others of its tag: by
/// itself its course may look like a step or a pause by chance.
pub const THIN: u64 = 32;

/// Functions that kept little leak together, as one leak spread over them, if there are so many; the courses of fewer add up to
/// anything.
pub const SPREAD_UNITS: usize = 8;

/// Fewer survivors than this are not called a leak, however evenly they were born: they are said to grow.
pub const LEAST_FOR_LEAK: u64 = 12;

/// Tags with fewer freed blocks than this say nothing about how many frees were lost.
pub const FEW_LIFETIMES: usize = 20;

/// So many survivors are needed for each block of the same kind that was freed at a greater age than theirs: blocks that old
/// do get freed then, and the survivors may be next.
pub const SURVIVORS_PER_LATE_FREE: f64 = 8.0;

/// If blocks beyond the usual lifetime went on being freed once per judged time, on average, the late frees would be as few
/// as they are with a chance of e to the minus this: one in three thousand. A leak needs less than that.
pub const OVERDUE_SURPRISE: f64 = 8.0;

/// By the late frees there are, blocks of that age live on for this many judged times at least, on average: with less, they
/// may stem from a level of long-lived blocks.
pub const LIVES_ON: f64 = 4.0;

/// Share of the survivors that must be left when those are taken off that other causes explain: frees that were lost, and
/// a level that was there before the view and is replaced block by block.
pub const LEAST_UNEXPLAINED: f64 = 0.5;

/// Standard deviations by which the survivors must exceed what other causes explain, to be said to grow.
pub const GROWING_DEVIATIONS: f64 = 2.6;

/// The same for a leak: with hundreds of tags in a trace, four leave one accused in tens of thousands.
pub const LEAK_DEVIATIONS: f64 = 4.0;

/// What growth that may be over weighs, in the order of what is not said to grow, against growth that goes on.
pub const DOUBTFUL_WEIGHT: f64 = 0.5;

/// Tags from which the share of frees that were lost is estimated. With fewer, the one that leaks could be the median.
pub const LEAST_TAGS_FOR_LOSS: usize = 8;

/// Share of the judged time that has to be left when the usual lifetime is taken off its end: births in less than that show
/// no course.
pub const LEAST_WINDOW: f64 = 0.25;

/// With a usual lifetime above this share of the judged time, what has not been freed yet may still be: growing, not leak.
pub const LONGEST_LIFE: f64 = 0.5;

/// A leak goes on: survivors must have been born in this share of the intervals that chance would fill. A third admits leaks
/// in half a dozen steps.
pub const LEAST_SPREAD: f64 = 0.3;

/// And in at least so many intervals.
pub const LEAST_INTERVALS: usize = 6;

/// More than this share of the survivors from one interval of sixteen, or from two neighbours, is a burst.
pub const BURST_SHARE: f64 = 0.6;

/// Allocations and frees that the pool's own counters must have counted of a tag for its share of lost events to be known by
/// itself; with fewer that of the whole pool is taken.
pub const ENOUGH_COUNTED: u64 = 100;

/// Growth is scaled up for lost events only from this share of the counted events on: with less, what is left is no sample.
pub const LEAST_SEEN: f64 = 0.5;

/// And up to this share: a few events around the two counts always differ.
pub const MOST_SEEN: f64 = 0.995;

/// A pause at the end shorter than this share of the judged time says nothing: work often ends just before the recording.
pub const LEAST_PAUSE: f64 = 0.03;

/// An end of the trace without any pool event is left out if it is shorter than this share of the judged time; a longer one is
/// a pause like others, which says that growth has stopped.
pub const LONGEST_TAIL: f64 = 0.1;

/// With these odds for it (see `statistics::stopped_odds`), growth has stopped.
pub const STOPPED_ODDS: f64 = 100.0;

/// With these odds it may have stopped, so that it is not called a leak: a warm-up that ends at nine tenths of the view has
/// at least these, however few blocks it holds.
pub const DOUBTFUL_ODDS: f64 = 0.2;

/// Counts that vary so many times as much as chance makes them come in clusters: with sixteen intervals, chance reaches it
/// in one case of a thousand.
pub const CLUSTERED: f64 = 2.5;

/// Fewer allocations than this in the last third of the range, or of all other kinds after an end, say nothing about what goes
/// on there: the same number that is asked of survivors.
pub const FEW_ALLOCATIONS: u64 = LEAST_SURVIVORS;

/// Standard deviations by which allocations and frees of the last third may differ by chance.
pub const LEVEL_INTERVAL: f64 = 2.0;

/// Share of the range over which a kind must have grown before its load stopped: what fills in less is one-time
/// initialization.
pub const STEADY_SHARE: f64 = 0.15;

/// And how evenly, as the share of filled intervals of those that chance would fill.
pub const LEAST_STEADINESS: f64 = 0.6;

/// Share of what stayed that may have been freed late for it still to be said that nothing was freed: tails of ordinary traffic
/// under the same tag.
pub const FREED_BY_CHANCE: f64 = 0.02;

/// A leak whose load stopped and a cache that is full and keeps its own free list look the same: never surer than this.
pub const STOPPED_CONFIDENCE: f64 = 0.5;

/// Growth that is less sure than this ranks below what grew until its load stopped, if that left few allocations: a dozen
/// allocations that seem to grow are found beside every large load.
pub const STOPPED_FEW: f64 = 0.1;

/// The same if it left many.
pub const STOPPED_MANY: f64 = 0.3;

/// So many allocations are many.
pub const MANY_STOPPED: f64 = 1000.0;

/// In growth that comes in clusters, a pause is nothing special if so many as long came before: a service that starts in three
/// or four phases has fewer.
pub const USUAL_PAUSES: usize = 4;

/// If so many came before, nobody can say whether another cluster follows.
pub const FEW_PAUSES: usize = 2;

/// To what shares of its rate growth may fall when it has ceased: a few blocks that happen to be in use stay behind. More
/// than a tenth is growth that goes on.
pub const STRAGGLERS: [f64; 4] = [0.005, 0.02, 0.05, 0.1];

/// With e to the power of this (twenty) for odds, growth slows down so much that it is not called a leak.
pub const SLOWING: f64 = 3.0;

/// Where a unit allocates so many times what stays, its own allocations are the clock of the course as well: a leak goes with
/// the load.
pub const TRAFFIC_CLOCK: u64 = 4;

/// Growth is level where it is less than this share of its average.
pub const LEVEL_SHARE: f64 = 0.25;

/// A change of the course must be so surprising by chance (one in a thousand) to count as one.
pub const CHANGE_SURPRISE: f64 = 7.0;

/// Frees that begin so surprisingly late (one in ten) leave open that a store has just filled: growing, not leak.
pub const DOUBTFUL_SURPRISE: f64 = 2.3;

/// Share of the late frees that may lie before the moment at which a store was full: single blocks leave any cache early.
pub const EARLY_FREES: f64 = 0.1;

/// A full store frees one block for each that comes: since the first frees it must have gained less than this share of what
/// it gained before in the same time.
pub const FULL_GAIN: f64 = 0.5;

/// And it frees no more than so many times what comes; more is a clean-up, which says nothing about those that stayed.
pub const FULL_FREES: f64 = 2.0;

/// So many standard deviations must lie between the gain at the end and the average gain before.
pub const LEVEL_DEVIATIONS: f64 = 2.6;

/// A curve that ends at less than this share of its highest point does not grow.
pub const GROWS_TO: f64 = 0.8;

/// Growth that is less than this share of all that was allocated, and freed in time, is traffic.
pub const CHURN_SHARE: f64 = 0.02;

/// Share of the pairs of points that must rise.
pub const LEAST_MONOTONY: f64 = 0.7;

/// Where the rate of allocations rose with the outstanding bytes, and explains at least this share of their growth, the load
/// rose, not a leak.
pub const LOAD_SHARE: f64 = 0.6;

/// A tag with fewer counted allocations and frees than this may have no event by chance where events were lost: with half of
/// them lost, sixteen are all missing in one case of 65,536.
pub const BUSY_TAG: u64 = 16;

/// Where this share of the busy tags has no event at all, a filter left them out: losses take from all tags alike.
pub const SILENT_SHARE: f64 = 0.5;

/// A filter of the recorder takes at most four tags. Without snapshots a trace of so few is taken to be filtered: a running
/// system uses hundreds within a second.
pub const MOST_FILTERED_TAGS: u64 = 4;

/// What a tag filter takes from the confidence: the figures of the tags that were recorded are complete, but the rest of the
/// pool, and with it each tag's share of the growth, is not known.
pub const FILTER_FACTOR: f64 = 0.95;

/// However much was lost, what is left is some evidence: a share of lost events above this counts as this.
pub const MOST_LOST: f64 = 0.9;

/// What a circular log that wrapped takes: what was allocated in the missing part looks as if it came from before the recording.
/// Rates and warm-up are reckoned from its first pool event on.
pub const WRAPPED_FACTOR: f64 = 0.95;

/// Share of the allocations without stack that is taken off: who allocated them is open, that they stay is not.
pub const STACKLESS_WEIGHT: f64 = 0.3;

/// With so many pool events in the view half of the confidence is left, with ten times as many nine tenths: figures of tags
/// are counts, and the error of a count falls with its size.
pub const HALF_EVIDENCE: f64 = 100.0;

/// A short trace that takes less than this is not worth a note.
pub const LEAST_SHORTNESS: f64 = 0.02;

/// With fewer allocations than this, none of them freed says little: of twenty, less than one in seven is freed with 95 %
/// certainty.
pub const LEAST_ZERO_FREE: u64 = 20;

/// A tag that is allocated beside the suspect needs so many allocations.
pub const LEAST_PARTNER: u64 = 20;

/// And this share of them freed: at the end of a view some are always in use.
pub const PARTNER_FREED: f64 = 0.99;

/// And it must be allocated at most so many times as often as the suspect, or the other way round: parts of one piece of work
/// come in small whole numbers.
pub const PARTNER_RATIO: f64 = 4.0;

/// The size that stays: this share of its blocks.
pub const SIZE_KEPT: f64 = 0.9;

/// The other sizes: this share of their blocks is freed.
pub const OTHERS_FREED: f64 = 0.95;

/// And so many of them: with fewer, one kept block would decide.
pub const LEAST_OTHERS: u64 = 20;

/// Code that frees no more than this share of its blocks has no free of its own.
pub const ALMOST_NOTHING: f64 = 0.05;

/// So many functions or processes are named.
pub const MOST_PLACES: usize = 5;

/// Share of the survivors that processes must have left behind: a few are in use by others.
pub const LEFT_BEHIND: f64 = 0.05;

/// A rate changes clearly where it is so many times as high on one side of a mark.
pub const MARK_FACTOR: f64 = 4.0;

/// And where so many births would be expected on the other side at that rate: of sixteen expected, chance leaves four or fewer
/// in less than one case of a thousand.
pub const LEAST_EXPECTED: f64 = 16.0;

/// How sure a driver on the stack of all survivors is: it allocated them, though perhaps for somebody who owns them.
pub const SURE_BY_STACK: f64 = 0.9;

/// How sure the kernel or a library for drivers is: no driver is on the stack, so they were asked by somebody unknown.
pub const SURE_BY_SYSTEM_STACK: f64 = 0.25;

/// How sure a line for the tag in `pooltag.txt` is: the list is Microsoft's, and other makers choose the same four letters.
pub const SURE_BY_LIST: f64 = 0.6;

/// The same for a line about a family of tags.
pub const SURE_BY_LIST_PREFIX: f64 = 0.4;

/// How sure the only one of many files is that the tag stands in. The driver may lie elsewhere.
pub const SURE_BY_FILE: f64 = 0.8;

/// What every further file with the tag adds to the doubt: with two thirds of the trust, then half, and so on.
pub const DOUBT_PER_FILE: f64 = 0.5;

/// With so many files looked at, being the only one says half of what it says in a large folder.
pub const FEW_FILES: f64 = 3.0;

/// How much a tag says by the number of its letters, blanks and repetitions left out.
pub const SIGNIFICANCE: [f64; 5] = [0.05, 0.15, 0.4, 0.8, 1.0];

/// A rising curve alone is never surer than this: what is outstanding may all be in use.
pub const CURVE_CONFIDENCE: f64 = 0.3;

/// A driver is named as responsible where its frames allocated at least this share of all outstanding bytes: with less, as much
/// as two in five came from elsewhere.
pub const NAMED_DRIVER_SHARE: f64 = 0.6;

/// So many drivers of a suspect are listed.
pub const MOST_DRIVERS: usize = 8;

/// Intervals of the view in which births of outstanding allocations are counted, to see which tags have the same course: parts
/// of one object are allocated within milliseconds, and a minute has intervals of fifteen.
pub const LOCKSTEP_INTERVALS: usize = 4096;
