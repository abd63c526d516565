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
    features = register_module("features", Sequential(Conv2d(3, 8, 3), BatchNorm2d(8), ReLU(),
                                                      Conv2d(Conv2dOptions(8, 4, 3).bias(false)), BatchNorm2d(4)));
    dropout = register_module("dropout", Dropout(0.5));
    head = register_module("head", Linear(4 * 4 * 4, 10));
  }
  at::Tensor forward(const at::Tensor& x) { return head(dropout(at::flatten(at::relu(features->forward(x)), 1))); }
  torch::nn::Sequential features{nullptr};
  torch::nn::Dropout dropout{nullptr};
  torch::nn::Linear head{nullptr};
};
TORCH_MODULE(Net);

/// A layer whose weight is that of another one.
struct TiedDecoderImpl : torch::nn::Module {
  explicit TiedDecoderImpl(const at::Tensor& of) { weight = register_parameter("weight", of); }
  at::Tensor weight;
};
TORCH_MODULE(TiedDecoder);

struct TiedImpl : torch::nn::Module {
  TiedImpl() {
    encoder = register_module("encoder", torch::nn::Embedding(7, 5));
    decoder = register_module("decoder", TiedDecoder(encoder->weight));
  }
  torch::nn::Embedding encoder{nullptr};
  TiedDecoder decoder{nullptr};
};
TORCH_MODULE(Tied);

struct RecurrentImpl : torch::nn::Module {
  RecurrentImpl() {
    using namespace torch::nn;
    lstm = register_module("lstm", LSTM(LSTMOptions(4, 6).num_layers(2).batch_first(true)));
    attention = register_module("attention", MultiheadAttention(6, 2));
    norm = register_module("norm", LayerNorm(LayerNormOptions({6})));
  }
  torch::nn::LSTM lstm{nullptr};
  torch::nn::MultiheadAttention attention{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(Recurrent);
