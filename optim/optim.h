// All of optim.
#pragma once

#include "dagrad/optim/adadelta.h"
#include "dagrad/optim/adagrad.h"
#include "dagrad/optim/adam.h"
#include "dagrad/optim/adamax.h"
#include "dagrad/optim/clip.h"
#include "dagrad/optim/lion.h"
#include "dagrad/optim/lr_scheduler.h"
#include "dagrad/optim/nadam.h"
#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/plateau.h"
#include "dagrad/optim/radam.h"
#include "dagrad/optim/rmsprop.h"
#include "dagrad/optim/rprop.h"
#include "dagrad/optim/schedule.h"
#include "dagrad/optim/sgd.h"
#include "dagrad/optim/state.h"
