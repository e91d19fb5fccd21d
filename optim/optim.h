// All of optim.
#pragma once

#include "dagrad/optim/adam.h"
#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/sgd.h"
