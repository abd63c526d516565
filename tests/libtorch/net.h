// The models of peer.py, in C++.
#pragma once

#include <ATen/ops/flatten.h>
#include <ATen/ops/relu.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/rnn.h>

struct NetImpl : torch::nn::Module {
  NetImpl() {
    using namespace torch::nn;
    features = register_module(
        "features", Sequential(Conv2d(3, 8, 3), BatchNorm2d(8), ReLU(), Conv2d(Conv2dOptions(8, 4, 3).bias(false)), BatchNorm2d(4)));
    dropout = register_module("dropout", Dropout(0.5));
    head = register_module("head", Linear(4 * 4 * 4, 10));
  }
  at::Tensor forward(const at::Tensor& x) {
    return head(dropout(at::flatten(at::relu(features->forward(x)), 1)));
  }
  torch::nn::Sequential features{nullptr};
  torch::nn::Dropout dropout{nullptr};
  torch::nn::Linear head{nullptr};
};
TORCH_MODULE(Net);

struct TiedImpl : torch::nn::Module {
  TiedImpl() {
    encoder = register_module("encoder", torch::nn::Embedding(7, 5));
    decoder = register_module("decoder", torch::nn::Linear(torch::nn::LinearOptions(5, 7).bias(false)));
    decoder->weight = encoder->weight;
    decoder->unregister_weight();
  }
  struct TiedLinear;
  torch::nn::Embedding encoder{nullptr};
  torch::nn::Linear decoder{nullptr};
};
