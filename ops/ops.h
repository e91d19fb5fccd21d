// Every op.
#pragma once

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/binary_cross_entropy.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/likelihood_loss.h"
#include "dagrad/ops/loss.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/view.h"
