#include "model/structure/known_classes.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace sconce::model::structure {
namespace {

constexpr std::string_view kConv =
    "{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}[padding!=0|, padding={padding}]"
    "[dilation!=1|, dilation={dilation}][output_padding!=0|, output_padding={output_padding}]"
    "[groups!=1|, groups={groups}][bias-|, bias=False][padding_mode!=zeros|, padding_mode={padding_mode}]";
constexpr std::string_view kQuantizedConv =
    "{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={stride}, scale={scale}, zero_point={zero_point}"
    "[padding!=0|, padding={padding}][dilation!=1|, dilation={dilation}]"
    "[output_padding!=0|, output_padding={output_padding}][groups!=1|, groups={groups}][bias-|, bias=False]";
constexpr std::string_view kConvDefaults =
    "padding=0;dilation=1;output_padding=0;groups=1;padding_mode='zeros';bias=None";
constexpr std::string_view kLinear = "in_features={in_features}, out_features={out_features}, bias={bias?}";
constexpr std::string_view kNorm =
    "{num_features}, eps={eps}, momentum={momentum}, affine={affine}, bias={bias?}, "
    "track_running_stats={track_running_stats}";
constexpr std::string_view kLayerNorm =
    "{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}, bias={bias?}";
constexpr std::string_view kGroupNorm = "{num_groups}, {num_channels}, eps={eps}, affine={affine}, bias={bias?}";
constexpr std::string_view kLocalNorm = "{size}, alpha={alpha}, beta={beta}, k={k}";
constexpr std::string_view kRnn =
    "{input_size}, {hidden_size}[proj_size!=0|, proj_size={proj_size}][num_layers!=1|, num_layers={num_layers}]"
    "[bias!=True|, bias={bias}][batch_first!=False|, batch_first={batch_first}][dropout!=0|, dropout={dropout}]"
    "[bidirectional!=False|, bidirectional={bidirectional}]";
constexpr std::string_view kRnnDefaults =
    "proj_size=0;num_layers=1;bias=True;batch_first=False;dropout=0;bidirectional=False";
constexpr std::string_view kCell =
    "{input_size}, {hidden_size}[bias!=True|, bias={bias}][nonlinearity!=tanh|, nonlinearity={nonlinearity}]";
constexpr std::string_view kCellDefaults = "bias=True;nonlinearity='tanh'";
constexpr std::string_view kEmbedding =
    "{num_embeddings}, {embedding_dim}[padding_idx+|, padding_idx={padding_idx}][max_norm+|, max_norm={max_norm}]"
    "[norm_type!=2|, norm_type={norm_type}][scale_grad_by_freq!=False|, scale_grad_by_freq={scale_grad_by_freq}]"
    "[sparse!=False|, sparse=True]";
constexpr std::string_view kEmbeddingBag =
    "{num_embeddings}, {embedding_dim}[max_norm+|, max_norm={max_norm!r}][norm_type!=2|, norm_type={norm_type!r}]"
    "[scale_grad_by_freq!=False|, scale_grad_by_freq={scale_grad_by_freq!r}], mode={mode!r}"
    "[padding_idx+|, padding_idx={padding_idx!r}]";
constexpr std::string_view kEmbeddingDefaults =
    "padding_idx=None;max_norm=None;norm_type=2;scale_grad_by_freq=False;sparse=False;mode='mean'";
constexpr std::string_view kMaxPool =
    "kernel_size={kernel_size}, stride={stride}, padding={padding}, dilation={dilation}, ceil_mode={ceil_mode}";
constexpr std::string_view kPool = "kernel_size={kernel_size}, stride={stride}, padding={padding}";
constexpr std::string_view kDropout = "p={p}, inplace={inplace}";
constexpr std::string_view kInplace = "[inplace|inplace=True]";
constexpr std::string_view kNoInplace = "inplace=False";
constexpr std::string_view kAlpha = "alpha={alpha}[inplace|, inplace=True]";
constexpr std::string_view kLeaky = "negative_slope={negative_slope}[inplace|, inplace=True]";
constexpr std::string_view kQuantizedLinear =
    "in_features={in_features}, out_features={out_features}, scale={scale}, zero_point={zero_point}, qscheme={qscheme}";
constexpr std::string_view kDynamicLinear =
    "in_features={in_features}, out_features={out_features}, dtype={packed_dtype}"
    "[qscheme+|, qscheme={qscheme}]";

// Each pattern is the extra_repr of PyTorch 2.13 (torch/nn/modules/*.py, torch/ao/nn). Defaults are what __setstate__
// and the constructors of later versions give to attributes that modules saved by earlier ones lack.
constexpr KnownClass kKnown[] = {
    {"Linear NonDynamicallyQuantizableLinear _LinearWithBias LazyLinear qat.Linear qat.dynamic.Linear "
     "intrinsic.qat.LinearReLU",
     "", kLinear, "bias=None"},
    {"Bilinear", "",
     "in1_features={in1_features}, in2_features={in2_features}, out_features={out_features}, bias={bias?}",
     "bias=None"},
    {"Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
     "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d qat.Conv1d qat.Conv2d qat.Conv3d "
     "intrinsic.qat.ConvBn1d intrinsic.qat.ConvBn2d intrinsic.qat.ConvBn3d intrinsic.qat.ConvBnReLU1d "
     "intrinsic.qat.ConvBnReLU2d intrinsic.qat.ConvBnReLU3d intrinsic.qat.ConvReLU1d intrinsic.qat.ConvReLU2d "
     "intrinsic.qat.ConvReLU3d",
     "", kConv, kConvDefaults},
    {"BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyBatchNorm1d "
     "LazyBatchNorm2d LazyBatchNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d",
     "", kNorm, "eps=1e-05;momentum=0.1;affine=True;track_running_stats=True;bias=None"},
    {"LayerNorm", "", kLayerNorm, "eps=1e-05;elementwise_affine=True;bias=None"},
    {"GroupNorm", "", kGroupNorm, "eps=1e-05;affine=True;bias=None"},
    {"RMSNorm", "", "{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}", "eps=None"},
    {"LocalResponseNorm CrossMapLRN2d", "", kLocalNorm, "k=1"},
    {"RNN LSTM GRU", "", kRnn, kRnnDefaults},
    {"RNNCell LSTMCell GRUCell", "", kCell, kCellDefaults},
    {"Embedding qat.Embedding", "", kEmbedding, kEmbeddingDefaults},
    {"EmbeddingBag qat.EmbeddingBag", "", kEmbeddingBag, kEmbeddingDefaults},
    {"MaxPool1d MaxPool2d MaxPool3d", "", kMaxPool, "padding=0;dilation=1;ceil_mode=False"},
    {"AvgPool1d AvgPool2d AvgPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d", "", kPool, "padding=0"},
    {"LPPool1d LPPool2d LPPool3d", "",
     "norm_type={norm_type}, kernel_size={kernel_size}, stride={stride}, ceil_mode={ceil_mode}", "ceil_mode=False"},
    {"AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d", "",
     "output_size={output_size}", ""},
    {"Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout", "", kDropout, kNoInplace},
    {"ReLU ReLU6 SELU SiLU Mish", "", kInplace, kNoInplace},
    {"ELU CELU", "", kAlpha, "alpha=1.0;inplace=False"},
    {"LeakyReLU", "", kLeaky, "negative_slope=0.01;inplace=False"},
    {"RReLU", "", "lower={lower}, upper={upper}[inplace|, inplace=True]", kNoInplace},
    {"Hardtanh", "", "min_val={min_val}, max_val={max_val}[inplace|, inplace=True]", kNoInplace},
    {"Threshold", "", "threshold={threshold}, value={value}[inplace|, inplace=True]", kNoInplace},
    {"PReLU", "", "num_parameters={num_parameters}", ""},
    {"GLU Softmax Softmin LogSoftmax", "", "dim={dim}", "dim=None"},
    {"GELU", "", "approximate={approximate!r}", "approximate='none'"},
    {"Hardshrink Softshrink", "", "{lambd}", "lambd=0.5"},
    {"Softplus", "", "beta={beta}, threshold={threshold}", ""},
    {"Flatten", "", "start_dim={start_dim}, end_dim={end_dim}", "start_dim=1;end_dim=-1"},
    {"Unflatten", "", "dim={dim}, unflattened_size={unflattened_size}", ""},
    {"Fold", "",
     "output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}",
     ""},
    {"Unfold", "", "kernel_size={kernel_size}, dilation={dilation}, padding={padding}, stride={stride}", ""},
    {"PixelShuffle", "", "upscale_factor={upscale_factor}", ""},
    {"PixelUnshuffle", "", "downscale_factor={downscale_factor}", ""},
    {"ChannelShuffle", "", "groups={groups}", ""},
    {"ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
     "ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d",
     "", "{padding}", ""},
    {"ConstantPad1d ConstantPad2d ConstantPad3d", "", "padding={padding}, value={value}", ""},
    {"Upsample UpsamplingNearest2d UpsamplingBilinear2d", "",
     "[scale_factor+|scale_factor={scale_factor!r}][scale_factor-|size={size!r}], mode={mode!r}", ""},

    {"quantized.Linear", "QuantizedLinear", kQuantizedLinear, "", true},
    {"intrinsic.quantized.LinearReLU", "QuantizedLinearReLU", kQuantizedLinear, "", true},
    {"intrinsic.quantized.LinearLeakyReLU", "QuantizedLinearLeakyReLU", kQuantizedLinear, "", true},
    {"intrinsic.quantized.LinearTanh", "QuantizedLinearTanh", kQuantizedLinear, "", true},
    {"quantized.dynamic.Linear", "DynamicQuantizedLinear", kDynamicLinear, "", true},
    {"intrinsic.quantized.dynamic.LinearReLU", "DynamicQuantizedLinearReLU", kDynamicLinear, "", true},
    {"quantized.Conv1d", "QuantizedConv1d", kQuantizedConv, kConvDefaults},
    {"quantized.Conv2d", "QuantizedConv2d", kQuantizedConv, kConvDefaults},
    {"quantized.Conv3d", "QuantizedConv3d", kQuantizedConv, kConvDefaults},
    {"quantized.ConvTranspose1d", "QuantizedConvTranspose1d", kQuantizedConv, kConvDefaults},
    {"quantized.ConvTranspose2d", "QuantizedConvTranspose2d", kQuantizedConv, kConvDefaults},
    {"quantized.ConvTranspose3d", "QuantizedConvTranspose3d", kQuantizedConv, kConvDefaults},
    {"intrinsic.quantized.ConvReLU1d", "QuantizedConvReLU1d", kQuantizedConv, kConvDefaults},
    {"intrinsic.quantized.ConvReLU2d", "QuantizedConvReLU2d", kQuantizedConv, kConvDefaults},
    {"intrinsic.quantized.ConvReLU3d", "QuantizedConvReLU3d", kQuantizedConv, kConvDefaults},
    {"quantized.BatchNorm2d", "QuantizedBatchNorm2d", kNorm, "bias=None"},
    {"quantized.BatchNorm3d", "QuantizedBatchNorm3d", kNorm, "bias=None"},
    {"intrinsic.quantized.BNReLU2d", "QuantizedBNReLU2d", kNorm, "bias=None"},
    {"intrinsic.quantized.BNReLU3d", "QuantizedBNReLU3d", kNorm, "bias=None"},
    {"quantized.LayerNorm", "QuantizedLayerNorm", kLayerNorm, "bias=None"},
    {"quantized.GroupNorm", "QuantizedGroupNorm", kGroupNorm, "bias=None"},
    {"quantized.InstanceNorm1d", "QuantizedInstanceNorm1d", kNorm, "bias=None"},
    {"quantized.InstanceNorm2d", "QuantizedInstanceNorm2d", kNorm, "bias=None"},
    {"quantized.InstanceNorm3d", "QuantizedInstanceNorm3d", kNorm, "bias=None"},
    {"quantized.ReLU6", "QuantizedReLU6", kInplace, kNoInplace},
    {"quantized.Hardswish", "QuantizedHardswish", "", ""},
    {"quantized.ELU", "QuantizedELU", kAlpha, "alpha=1.0;inplace=False"},
    {"quantized.LeakyReLU", "QuantizedLeakyReLU", kLeaky, "negative_slope=0.01;inplace=False"},
    {"quantized.Softmax", "QuantizedSoftmax", "dim={dim}", "dim=None"},
    {"quantized.Dropout", "QuantizedDropout", kDropout, kNoInplace},
    {"quantized.PReLU", "QuantizedPReLU", "", ""},
    {"quantized.QFunctional", "QFunctional", "scale={scale}, zero_point={zero_point}", ""},
    {"quantized.Embedding", "QuantizedEmbedding",
     "num_embeddings={num_embeddings}, embedding_dim={embedding_dim}, dtype={packed_dtype}, qscheme={qscheme}", "",
     true},
    {"quantized.EmbeddingBag", "QuantizedEmbeddingBag",
     "num_embeddings={num_embeddings}, embedding_dim={embedding_dim}, dtype={packed_dtype}, qscheme={qscheme}", "",
     true},
    {"quantized.dynamic.LSTM", "DynamicQuantizedLSTM", kRnn, kRnnDefaults, true},
    {"quantized.dynamic.GRU", "DynamicQuantizedGRU", kRnn, kRnnDefaults, true},
    {"quantized.dynamic.RNNCell", "DynamicQuantizedRNNCell", kCell, kCellDefaults},
    {"quantized.dynamic.LSTMCell", "DynamicQuantizedLSTMCell", kCell, kCellDefaults},
    {"quantized.dynamic.GRUCell", "DynamicQuantizedGRUCell", kCell, kCellDefaults},
    {"quantizable.LSTM", "QuantizableLSTM", "", ""},
    {"quantizable.LSTMCell", "QuantizableLSTMCell", "", ""},
    {"quantizable.MultiheadAttention", "QuantizableMultiheadAttention", "", ""},
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::map<std::string_view, const KnownClass*> index_of_known() {
  std::map<std::string_view, const KnownClass*> index;
  for (const KnownClass& known : kKnown)
    for (const std::string_view key : split(known.keys, ' ')) index.emplace(key, &known);
  return index;
}

}  // namespace

std::string class_key(std::string_view class_name) {
  constexpr std::string_view kFamilies[] = {"quantized", "quantizable", "qat", "intrinsic", "sparse"};
  if (class_name.size() > 512) return {};
  std::string_view rest = class_name;
  if (rest.starts_with("torch.ao.nn."))
    rest.remove_prefix(12);
  else if (rest.starts_with("torch.nn."))
    rest.remove_prefix(9);
  else
    return {};
  const std::vector<std::string_view> parts = split(rest, '.');
  if (std::ranges::find(kFamilies, parts.front()) == std::end(kFamilies)) return std::string(parts.back());
  std::string key;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    // "modules.conv": the file that a class lies in.
    if (parts[at] == "modules") at += at + 2 < parts.size() ? std::size_t{2} : std::size_t{1};
    if (at < parts.size()) key += (key.empty() ? "" : ".") + std::string(parts[at]);
  }
  return key;
}

const KnownClass* find_known(std::string_view class_key) {
  static const std::map<std::string_view, const KnownClass*> index = index_of_known();
  const auto found = index.find(class_key);
  return found == index.end() ? nullptr : found->second;
}

bool is_packed_parameters(std::string_view class_key) {
  return class_key.ends_with("LinearPackedParams") || class_key.ends_with("EmbeddingPackedParams") ||
         class_key.ends_with(".PackedParameter");
}

}  // namespace sconce::model::structure
