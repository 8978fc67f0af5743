/* The hardware layer: a few entry points that stand at the innermost or outermost end of a stack. */
#include "sample.h"

POINTER(Routine);

FN(HalpAllocateAdapter)
FN(HalAllocateCommonBufferV3, HalpAllocateAdapter)
FN(HalPutScatterGatherListV3, HalpAllocateAdapter)
FN(HalpTimerClockInterrupt, Routine)
FN(HalRequestSoftwareInterrupt, HalpTimerClockInterrupt)
FN(HalInitSystem, HalRequestSoftwareInterrupt, HalAllocateCommonBufferV3, HalPutScatterGatherListV3)
