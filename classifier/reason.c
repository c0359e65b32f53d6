#include "config.h"
#include "classifier/reason.h"
