// All of nn.
#pragma once

#include "dagrad/nn/convolution.h"
#include "dagrad/nn/feature_scaler.h"
#include "dagrad/nn/init.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/nn/io/safetensors.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/loss.h"
#include "dagrad/nn/metrics/metrics.h"
#include "dagrad/nn/mlp.h"
#include "dagrad/nn/module.h"
#include "dagrad/nn/pooling.h"
#include "dagrad/nn/recurrent.h"
#include "dagrad/nn/saving.h"
#include "dagrad/nn/sequential.h"
#include "dagrad/nn/summary.h"
