#include "CDefaultModel.h"
