// Saving from devices: bytes that can only be copied out, in large pieces.
#include <sconce/save.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "io/temporary_folder.h"
#include "model/model_builder.h"
#include "tensor/storage_data.h"

namespace sconce {
namespace {

using test::read_file;
using test::TemporaryFolder;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// What is tested here is not the disk, which others may keep busy.
SaveOptions in_cache() {
  SaveOptions options;
  options.durable = false;
  return options;
}

/// Memory that counts how it is read.
class CountedSource final : public ByteSource {
 public:
  explicit CountedSource(std::vector<float>& values) : values_(values) {}
  std::uint64_t size() const override { return values_.size() * sizeof(float); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::memcpy(into.data(), reinterpret_cast<const std::byte*>(values_.data()) + offset, into.size());
    ++reads;
  }
  const std::string& name() const noexcept override { return name_; }
  mutable std::atomic<std::uint64_t> reads = 0;

 private:
  std::vector<float>& values_;
  std::string name_ = "a device";
};

/// A device's origin, as far as saving sees it.
class CountedOrigin final : public StorageOrigin {
 public:
  CountedOrigin(std::vector<float>& values, Device device) : source(std::make_shared<CountedSource>(values)) {
    place_.device = device;
    location_ = device.to_string();
  }
  SourcePtr open(std::uint64_t, std::uint64_t) const override { return source; }
  std::optional<DevicePlace> device_place(std::uint64_t) const override { return place_; }

  [[nodiscard]] Storage storage() const {
    auto data = std::make_shared<StorageData>();
    data->origin = this;
    data->nbytes = source->size();
    data->location = &location_;
    data->dtype = DType::float32;
    data->typed = true;
    return Storage(std::move(data));
  }

  const std::shared_ptr<CountedSource> source;

 private:
  DevicePlace place_;
  std::string location_;
};

/// A model of one large tensor on a device.
struct DeviceModel {
  explicit DeviceModel(Device device) : origin(values, device) {
    const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
    const std::int64_t strides[] = {1};
    checkpoint["weight"] = Tensor::over(origin.storage(), DType::float32, shape, strides, 0);
  }
  static std::vector<float> numbers() {
    std::vector<float> numbers(std::size_t{5} << 20);
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    return numbers;
  }
  std::vector<float> values = numbers();
  CountedOrigin origin;
  Checkpoint checkpoint;
};

TEST(SaveFromDevices, CopiesOutInLargePiecesAndOnce) {
  const TemporaryFolder folder;
  const DeviceModel model({DeviceType::cuda, 1});
  for (const char* name : {"model.pt", "model.safetensors"}) {
    model.origin.source->reads = 0;
    save(model.checkpoint, folder / name, in_cache());
    EXPECT_LE(model.origin.source->reads, 6U) << "20 MiB in buffers of 4 MiB";
    EXPECT_TRUE(load(folder / name).tensor("weight").to_vector<float>() == model.values);
    EXPECT_EQ(load(folder / name).tensor("weight").device(), "cpu");
  }
}

TEST(SaveFromDevices, ASnapshotCopiesOutAtOnce) {
  const TemporaryFolder folder;
  DeviceModel model({DeviceType::cuda, 0});
  SaveHandle handle = save_async(model.checkpoint, folder / "model.pt", in_cache());
  const std::vector<float> before = model.values;
  std::fill(model.values.begin(), model.values.end(), -1.0F);
  (void)handle.wait();
  EXPECT_LE(model.origin.source->reads, 5U);
  EXPECT_TRUE(load(folder / "model.pt").tensor("weight").to_vector<float>() == before);
}

TEST(SaveFromDevices, WritesNamesOfDevicesThatPyTorchKnowsWhereAsked) {
  for (const char* format : {"pytorch-zip", "pytorch-legacy"}) {
    const TemporaryFolder folder;
    SaveOptions options = in_cache();
    options.format = format;
    options.keep_device = true;
    const SaveReport cuda = save(DeviceModel({DeviceType::cuda, 1}).checkpoint, folder / "cuda", options);
    EXPECT_EQ(load(folder / "cuda").tensor("weight").device(), "cuda:1");
    EXPECT_THAT(cuda.notes, Each(Not(HasSubstr("cuda"))));
    const SaveReport opencl = save(DeviceModel({DeviceType::opencl, 0}).checkpoint, folder / "opencl", options);
    EXPECT_EQ(load(folder / "opencl").tensor("weight").device(), "cpu");
    EXPECT_THAT(opencl.notes, Contains(HasSubstr("PyTorch knows no device opencl:0")));
  }
}

}  // namespace
}  // namespace sconce
