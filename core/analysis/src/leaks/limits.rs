//! Thresholds of the leak analysis, each with its reason and the test that fails when it is changed. All of them are shares,
//! counts and odds, none is in bytes or seconds: scaling every size or every time of a trace changes no verdict.
//!
//! Cases that no threshold can tell apart within one trace, and for which the verdict is *growing* rather than *leak*: growth
//! that would have stopped after the end of the recording, a cache that fills until the last tenth of the range, and
//! allocations that live many times as long as the range.
//!
//! Terms: *analyzed time* runs from the end of the warm-up to the end of the range; a *birth* is the moment of an allocation; a
//! *late free* is the free of an allocation older than the usual lifetime of its unit; *surprisal* is the natural logarithm of
//! one over a probability.

/// Share of the range that is skipped as warm-up unless the user says otherwise: services that start with the recording fill
/// their caches first.
/// Tested by `leaks::properties::a_late_marker_ends_no_warm_up`.
pub const WARM_UP_SHARE: f64 = 0.1;

/// Intervals in which births of outstanding allocations are counted. Fewer would take a burst for a slope, more would leave
/// most intervals of a slow leak of a dozen allocations empty.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const BIRTH_BINS: usize = 16;

/// Points of the outstanding curve: 64 give 2,016 pairs for the slope, enough for a confidence interval, and still resolve a
/// plateau in the last eighth.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const CURVE_POINTS: usize = 64;

/// Minimum number of outstanding allocations from which anything is concluded: chance puts eight into fewer than four of
/// sixteen intervals in less than one case of a thousand.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_OUTSTANDING: u64 = 8;

/// Outstanding allocations, two for each interval, below which a unit is analyzed again together with the others of its tag:
/// its own trend may look like a step or a pause by chance.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_OUTSTANDING_ALONE: u64 = 32;

/// Minimum number of units with few outstanding allocations that are combined into one leak spread over them; the sum of fewer
/// may have any trend.
/// Tested by `leaks::tests::spread_leaks_and_leaks_with_lost_events_rank_first`.
pub const MIN_SPREAD_UNITS: usize = 8;

/// Minimum number of outstanding allocations older than usual for a leak; with fewer, however evenly they were born, the
/// verdict is growing.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_OUTSTANDING_FOR_LEAK: u64 = 12;

/// Minimum number of allocations or frees from which a share of them is computed: an event that occurred in none of twenty
/// cases has a probability below one in seven, with 95 % certainty.
/// Tested by `leaks::findings::tests::a_single_free_is_not_never_freed`.
pub const MIN_EVENTS_FOR_SHARE: u64 = 20;

/// Minimum number of outstanding allocations older than usual for each late free: late frees show that allocations of that age
/// do get freed, and the outstanding ones may be next.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_OLDER_PER_LATE_FREE: f64 = 8.0;

/// Minimum surprisal of so few late frees, for a leak, if allocations beyond the usual lifetime were freed once per analyzed
/// time on average. 8 is one case in three thousand.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_LATE_FREE_SURPRISAL: f64 = 8.0;

/// Minimum mean time, in analyzed times, that allocations live beyond the usual lifetime, for a leak, as estimated from the late
/// frees: with less they may belong to a constant level of long-lived allocations.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_EXPOSURE_PER_LATE_FREE: f64 = 4.0;

/// Minimum share of the outstanding allocations that remains after subtracting those that other causes explain: lost frees, and
/// a level from before the range whose allocations are replaced one by one.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_UNEXPLAINED_SHARE: f64 = 0.5;

/// Standard deviations by which the outstanding allocations must exceed what other causes explain, for growth, and by which the
/// gain at the end must fall short of the gain before, for a level. Chance exceeds it in one case of two hundred.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const GROWTH_DEVIATIONS: f64 = 2.6;

/// The same for a leak: with hundreds of tags in a trace, four leave one false positive in tens of thousands.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const LEAK_DEVIATIONS: f64 = 4.0;

/// Weight of growth that may be over, relative to growth that continues, in the order of the borderline criteria.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const UNCERTAIN_TREND_WEIGHT: f64 = 0.5;

/// Minimum number of tags from which the share of lost frees is estimated. With fewer, the leaking tag could be the median.
/// Tested by `leaks::tests::no_leak_is_reported_where_events_were_lost`.
pub const MIN_TAGS_FOR_LOSS: usize = 8;

/// Minimum share of the analyzed time that remains when the usual lifetime is subtracted from its end: births in less show no
/// trend.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_BIRTH_WINDOW: f64 = 0.25;

/// Maximum usual lifetime of a leak, as a share of the analyzed time: with a longer one, allocations that have not been freed yet
/// may still be, and the verdict is growing.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MAX_USUAL_LIFETIME: f64 = 0.5;

/// Minimum number of intervals with births, as a share of those that chance would fill, for growth that continues. A third
/// admits leaks in half a dozen steps.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_FILLED_SHARE: f64 = 0.3;

/// Minimum number of intervals with births, for growth that continues.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_FILLED_BINS: usize = 6;

/// Share of the births in one interval of sixteen, or in two neighbors, above which growth is a burst.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const BURST_SHARE: f64 = 0.6;

/// Minimum number of allocations and frees that the pool's counters have of a tag for its own share of recorded events to be used;
/// with fewer, the share of the whole pool is used.
/// Tested by `leaks::ranking::tests::growth_is_corrected_by_the_pool_counters`.
pub const MIN_COUNTED_EVENTS: u64 = 100;

/// Minimum share of recorded events at which growth is scaled up for lost events: with less, the rest is no sample.
/// Tested by `leaks::ranking::tests::growth_is_corrected_by_the_pool_counters`.
pub const MIN_RECORDED_SHARE: f64 = 0.5;

/// Share of recorded events from which growth is not scaled up: a few events around the two snapshots always differ.
/// Tested by `leaks::ranking::tests::growth_is_corrected_by_the_pool_counters`.
pub const MAX_RECORDED_SHARE: f64 = 0.995;

/// Minimum length of a pause at the end, as a share of the analyzed time: work often ends just before the recording.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_PAUSE: f64 = 0.03;

/// Maximum length of an end without any pool event, as a share of the analyzed time, that is cut off; a longer one is a pause like
/// others and shows that growth has stopped.
/// Tested by `leaks::properties::unrecorded_time_does_not_count_as_a_pause`.
pub const MAX_IDLE_END: f64 = 0.1;

/// Odds (see `statistics::stopped_odds`) from which growth has stopped.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const STOPPED_ODDS: f64 = 100.0;

/// Odds from which growth may have stopped, so that it is not called a leak: a warm-up that ends at nine tenths of the range
/// reaches them with any number of allocations.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const POSSIBLY_STOPPED_ODDS: f64 = 0.2;

/// Ratio of variance to mean from which counts come in clusters: with sixteen intervals, chance reaches it in one case of a
/// thousand.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_CLUSTERED_DISPERSION: f64 = 2.5;

/// Standard deviations by which allocations and frees of the last third may differ by chance.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const LEVEL_DEVIATIONS: f64 = 2.0;

/// Minimum share of the analyzed time over which a unit must have grown before its load stopped: what fills in less is one-time
/// initialization.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const MIN_STEADY_GROWTH: f64 = 0.15;

/// Minimum evenness of growth before its load stopped: filled intervals as a share of those that chance would fill.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const MIN_STEADINESS: f64 = 0.6;

/// Maximum confidence in a leak whose load stopped: a full cache with its own free list looks the same.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const MAX_STOPPED_CONFIDENCE: f64 = 0.5;

/// Confidence of growth with which growth that stopped and left few allocations shares its rank: a dozen allocations that seem to
/// grow occur with every large load.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const STOPPED_RANK_FEW: f64 = 0.1;

/// The same for growth that stopped and left many allocations.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const STOPPED_RANK_MANY: f64 = 0.3;

/// Outstanding allocations from which stopped growth has left many.
/// Tested by `leaks::tests::leaks_whose_load_stopped_are_reported`.
pub const STOPPED_MANY: f64 = 1000.0;

/// Earlier pauses as long as the last one from which clustered growth is taken to continue: a service that starts in three or four
/// phases has fewer.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const PAUSES_OF_CONTINUED_GROWTH: usize = 4;

/// Earlier pauses as long as the last one from which it is undecided whether another cluster follows.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const PAUSES_OF_UNDECIDED_GROWTH: usize = 2;

/// Shares of its rate to which growth that has ended may fall: a few allocations that happen to be in use remain. More than a
/// tenth is growth that continues.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const RESIDUAL_RATES: [f64; 4] = [0.005, 0.02, 0.05, 0.1];

/// Natural logarithm of the odds (twenty) from which growth slows down so much that it is not called a leak.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const SLOWING_LOG_ODDS: f64 = 3.0;

/// Allocations of a unit for each of its outstanding ones from which the allocations serve as a second clock for the trend: a
/// leak follows the load.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_ALLOCATIONS_PER_OLDER: u64 = 4;

/// Share of its average below which growth is level.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const LEVEL_SHARE: f64 = 0.25;

/// Minimum surprisal of a change of the trend: one case in a thousand.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const CHANGE_SURPRISAL: f64 = 7.0;

/// Surprisal of the start of late frees (one case in ten) from which a cache may just have filled: growing, not leak.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const POSSIBLE_CHANGE_SURPRISAL: f64 = 2.3;

/// Share of the late frees that may come before the moment at which a cache was full: single allocations leave any cache early.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MAX_EARLY_FREES: f64 = 0.1;

/// Gain of a full cache since its late frees started, as a share of the gain in the same time before: a full cache frees one
/// allocation for each new one.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MAX_FULL_CACHE_GAIN: f64 = 0.5;

/// Maximum number of frees for each new allocation of a full cache; more is a clean-up, which says nothing about what is
/// outstanding.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MAX_FULL_CACHE_FREES: f64 = 2.0;

/// Minimum height of the end of a growing curve, as a share of its peak.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_END_OF_PEAK: f64 = 0.8;

/// Share of all allocations below which growth is traffic that is freed in time.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const CHURN_SHARE: f64 = 0.02;

/// Minimum share of rising pairs of points of a growing curve.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MIN_RISING_SHARE: f64 = 0.7;

/// Minimum share of the growth of the outstanding bytes that the growth of the allocation rate explains, for the load to have
/// risen rather than a leak.
/// Tested by `leaks::tests::no_leak_is_reported_where_none_was_planted`.
pub const MIN_LOAD_SHARE: f64 = 0.6;

/// Counted allocations and frees from which a tag is busy. With half of the events lost, all sixteen events of a tag are missing in
/// one case of 65,536.
/// Tested by `leaks::reconcile::tests::busy_tags_without_events_show_a_filter`.
pub const MIN_BUSY_TAG_EVENTS: u64 = 16;

/// Share of the busy tags without any event from which a tag filter was on: losses affect all tags alike.
/// Tested by `leaks::reconcile::tests::busy_tags_without_events_show_a_filter`.
pub const MIN_FILTERED_SHARE: f64 = 0.5;

/// Maximum number of tags that a tag filter of the recorder accepts. A trace of so few, without a pool rundown, is taken to be
/// filtered: a running system uses hundreds within a second.
/// Tested by `leaks::data_quality::tests::few_tags_mean_a_filter`.
pub const MAX_FILTERED_TAGS: u64 = 4;

/// Confidence factor of a tag filter, of a circular log that wrapped, and of an end that is missing by an unknown time: the recorded
/// values are complete, but the rest of the pool, or of the recording, is unknown.
/// Tested by `leaks::data_quality::tests::a_wrapped_log_counts_where_its_gap_is_in_the_range`.
pub const PARTIAL_FACTOR: f64 = 0.95;

/// Upper bound on the share of lost events, or of a missing end, that counts: however much was lost, the rest is some evidence.
/// Tested by `leaks::data_quality::tests::confidence_falls_with_every_loss`.
pub const MAX_LOST_SHARE: f64 = 0.9;

/// Weight of the share of allocations without a stack: it is unknown who allocated them, but not that they are outstanding.
/// Tested by `leaks::data_quality::tests::missing_stacks_cost_little_and_stacks_not_loaded_nothing`.
pub const MISSING_STACK_WEIGHT: f64 = 0.3;

/// Pool events in the range with which half of the confidence remains; with ten times as many, nine tenths: values of tags are
/// counts, and the error of a count falls with its size.
/// Tested by `leaks::data_quality::tests::short_ranges_have_few_events_or_lifetimes_as_long_as_the_range`.
pub const HALF_CONFIDENCE_EVENTS: f64 = 100.0;

/// Minimum loss of confidence for which a short range, or a missing end, is reported.
/// Tested by `leaks::data_quality::tests::short_ranges_have_few_events_or_lifetimes_as_long_as_the_range`.
pub const MIN_SHORT_RANGE_LOSS: f64 = 0.02;

/// Minimum share of the allocations of a paired tag that are freed: at the end of a range some are always in use.
/// Tested by `leaks::findings::paired_tag::tests::a_tag_that_the_same_function_frees_is_the_pair`.
pub const MIN_PAIR_FREED_SHARE: f64 = 0.99;

/// Ratio from which two rates differ clearly: those before and after a marker, or those of a suspect and a paired tag, as the
/// allocations of one piece of work come in small whole numbers.
/// Tested by `leaks::findings::rate_change::tests::growth_that_starts_at_a_marker_is_reported_with_both_rates`.
pub const CLEAR_RATIO: f64 = 4.0;

/// Minimum share of the allocations of one size that are outstanding, where only this size is not freed.
/// Tested by `leaks::findings::one_size::tests::the_size_that_is_not_freed_is_named`.
pub const MIN_SIZE_OUTSTANDING_SHARE: f64 = 0.9;

/// Minimum share of the allocations of the other sizes that are freed.
/// Tested by `leaks::findings::one_size::tests::the_size_that_is_not_freed_is_named`.
pub const MIN_OTHER_SIZES_FREED_SHARE: f64 = 0.95;

/// Share up to which something is an exception: code that frees at most this share of its allocations has no free of its own;
/// allocations left behind by processes must be more than this share of all that are outstanding.
/// Tested by `leaks::findings::missing_free::tests::a_suspect_with_its_own_frees_misses_none`.
pub const EXCEPTION_SHARE: f64 = 0.05;

/// Maximum number of functions or processes that a finding lists.
pub const MAX_LISTED: usize = 5;

/// Minimum number of births expected on the other side of a marker at the faster rate: of sixteen expected, chance leaves four or
/// fewer in less than one case of a thousand.
/// Tested by `leaks::findings::rate_change::tests::steady_growth_and_markers_at_the_edge_are_not_reported`.
pub const MIN_EXPECTED_BIRTHS: f64 = 16.0;

/// Confidence in a driver on the stack of all outstanding allocations: it allocated them, though perhaps for another owner.
/// Tested by `leaks::owner::tests::drivers_on_the_stack_rank_before_the_kernel`.
pub const STACK_CONFIDENCE: f64 = 0.9;

/// Confidence in the kernel or a driver library on the stack: no driver is on it, so that an unknown one called them.
/// Tested by `leaks::owner::tests::drivers_on_the_stack_rank_before_the_kernel`.
pub const SYSTEM_STACK_CONFIDENCE: f64 = 0.25;

/// Confidence in the line for a tag in `pooltag.txt`: the list is Microsoft's, and other vendors use the same four letters.
/// Tested by `leaks::owner::tests::the_list_names_files_and_agreement_raises_confidence`.
pub const POOLTAG_CONFIDENCE: f64 = 0.6;

/// Confidence in a line of `pooltag.txt` about a family of tags (`Ntf*`).
/// Tested by `leaks::owner::tests::the_list_names_files_and_agreement_raises_confidence`.
pub const POOLTAG_PREFIX_CONFIDENCE: f64 = 0.4;

/// Confidence in the only one of many driver files that contains the tag. The owner may be a file that was not scanned.
/// Tested by `leaks::owner::tests::confidence_falls_with_the_number_of_files_that_have_the_tag`.
pub const DRIVER_FILE_CONFIDENCE: f64 = 0.8;

/// Doubt added by every further file that contains the tag: two thirds of the confidence are left with one, then half, and so on.
/// Tested by `leaks::owner::tests::confidence_falls_with_the_number_of_files_that_have_the_tag`.
pub const DOUBT_PER_FILE: f64 = 0.5;

/// Number of scanned files with which being the only one that contains the tag counts half of what it does in a large folder.
/// Tested by `leaks::owner::tests::confidence_falls_with_the_number_of_files_that_have_the_tag`.
pub const HALF_CONFIDENCE_FILES: f64 = 3.0;

/// Weight of a tag by the number of its letters, without blanks and repetitions.
/// Tested by `leaks::owner::tests::short_tags_have_little_weight`.
pub const TAG_WEIGHTS: [f64; 5] = [0.05, 0.15, 0.4, 0.8, 1.0];

/// Maximum confidence of a verdict by the outstanding curve alone that something grows: all that is outstanding may be in use.
/// Tested by `leaks::tests::planted_leaks_rank_first_without_false_positives`.
pub const MAX_CURVE_CONFIDENCE: f64 = 0.3;

/// Confidence of a verdict by the outstanding curve alone that something no longer grows.
pub const LEVEL_CURVE_CONFIDENCE: f64 = 0.6;

/// Confidence of verdicts that leave growth open: too little data, and growth that follows the load.
pub const UNDECIDED_CONFIDENCE: f64 = 0.5;

/// Confidence that allocations are freed again, where the outstanding curve shows no growth.
pub const CHURN_CONFIDENCE: f64 = 0.8;

/// Minimum share of the outstanding bytes from which a driver is named as responsible: with less, as much as two in five came from
/// elsewhere.
/// Tested by `leaks::attribution::tests::a_driver_is_named_from_sixty_percent_of_all_bytes`.
pub const MIN_RESPONSIBLE_SHARE: f64 = 0.6;

/// Maximum number of drivers listed for a suspect.
pub const MAX_LISTED_DRIVERS: usize = 8;

/// Intervals of the range in which births of outstanding allocations are compared between tags: the allocations of one object come
/// within milliseconds, and a minute has intervals of fifteen.
/// Tested by `lockstep::tests::over_time_the_same_shape_is_needed`.
pub const LOCKSTEP_INTERVALS: usize = 4096;
