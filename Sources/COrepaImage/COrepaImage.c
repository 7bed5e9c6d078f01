#include "COrepaImage.h"
