// What most programs need, in one line: tensors, ops, modules, data, training, optimizers, and derivatives of
// functions. The analyses (graphs, forecasts, sparse derivatives, ...) are included one by one, from dagrad/core/.
#pragma once

#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/custom_op.h"
#include "dagrad/core/error.h"
#include "dagrad/core/functional.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/print.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/data.h"
#include "dagrad/nn/nn.h"
#include "dagrad/nn/training/checkpoint.h"
#include "dagrad/nn/training/trainer.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
