// Every op.
#pragma once

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/embedding.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/nonzero.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/view.h"
