// All metrics.
#pragma once

#include "dagrad/nn/metrics/accuracy.h"
#include "dagrad/nn/metrics/auc.h"
#include "dagrad/nn/metrics/confusion.h"
#include "dagrad/nn/metrics/loss_metric.h"
#include "dagrad/nn/metrics/metric.h"
#include "dagrad/nn/metrics/regression.h"
