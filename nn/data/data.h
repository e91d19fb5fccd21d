// All of data.
#pragma once

#include "dagrad/nn/data/augmentation.h"
#include "dagrad/nn/data/bagging.h"
#include "dagrad/nn/data/cifar.h"
#include "dagrad/nn/data/csv.h"
#include "dagrad/nn/data/csv_encoding.h"
#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/data/dataset.h"
#include "dagrad/nn/data/digits.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/nn/data/idx.h"
#include "dagrad/nn/data/numpy.h"
#include "dagrad/nn/data/sampler.h"
#include "dagrad/nn/data/split.h"
