#include "config.h"
#include "daemon/report/delivery.h"
