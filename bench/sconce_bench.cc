// What the library does, timed as its users would call it: the public headers and nothing else.
#include <sconce/sconce.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "memory.h"
#include "protocol.h"
#include "touch.h"

namespace {

using namespace bench;

/// What is held between commands, for those that save.
sconce::Checkpoint& held() {
  static sconce::Checkpoint checkpoint;
  return checkpoint;
}

Answer timed(double begin) { return {{{"seconds", now() - begin}}, {}}; }

/// One byte of every page of every tensor.
void touch(const std::vector<sconce::NamedTensor>& tensors) {
  std::vector<std::uintptr_t> addresses;
  std::vector<std::uint64_t> sizes;
  for (const auto& [name, tensor] : tensors) {
    const std::span<const std::byte> bytes = tensor.storage().view();
    if (bytes.size() != tensor.storage().nbytes()) throw std::runtime_error(name + " is not in memory");
    addresses.push_back(reinterpret_cast<std::uintptr_t>(bytes.data()));
    sizes.push_back(bytes.size());
  }
  volatile std::uint64_t sum = bench_touch(addresses.data(), sizes.data(), sizes.size());
  static_cast<void>(sum);
}

/// open FILE: every tensor by name with its dtype and shape; no byte of one.
Answer open(const Words& words) {
  const double begin = now();
  const sconce::Checkpoint checkpoint = sconce::load(word(words, 0));
  const double opened = now();
  std::uint64_t elements = 0;
  const std::vector<sconce::NamedTensor> tensors = checkpoint.tensors();
  for (const auto& [name, tensor] : tensors) elements += tensor.numel();
  Answer answer = timed(begin);
  answer.numbers["load"] = opened - begin;
  answer.numbers["tensors"] = static_cast<double>(tensors.size());
  answer.numbers["elements"] = static_cast<double>(elements);
  return answer;
}

/// The devices of this machine; looked for once.
const sconce::Devices& devices() {
  static const sconce::Devices found;
  return found;
}

/// Words from `first` on: DEVICE [WAY [skip]].
sconce::MoveOptions move_options(const Words& words, std::size_t first) {
  sconce::MoveOptions options;
  const sconce::Device device = sconce::Device::parse(word(words, first));
  options.map_location = device;
  if (device.type != sconce::DeviceType::cpu) options.devices = devices();
  if (words.size() > first + 1) {
    const auto way = sconce::way_from_string(words[first + 1]);
    if (!way) throw std::runtime_error("no such way: " + words[first + 1]);
    options.way = *way;
  }
  if (words.size() > first + 2 && words[first + 2] == "skip") options.checksums = sconce::Checksums::skip;
  return options;
}

/// load FILE DEVICE [WAY [skip]]: everything in memory of our own, and looked at where the CPU can.
Answer load(const Words& words) {
  const sconce::MoveOptions options = move_options(words, 1);
  const double begin = now();
  sconce::Checkpoint checkpoint = sconce::load(word(words, 0));
  const sconce::MoveReport report = checkpoint.to(options);
  if (words[1] == "cpu") touch(checkpoint.tensors());
  Answer answer = timed(begin);
  answer.numbers["host_memory"] = static_cast<double>(report.host_memory);
  return answer;
}

/// move FILE DEVICE: what is in memory already, to a device.
Answer move(const Words& words) {
  sconce::Checkpoint checkpoint = sconce::load(word(words, 0));
  checkpoint.to(sconce::Device{});
  const sconce::MoveOptions options = move_options(words, 1);
  const double begin = now();
  checkpoint.to(options);
  return timed(begin);
}

/// device_limit DEVICE BYTES: the device's own large copy.
Answer device_limit(const Words& words) {
  const std::uint64_t bytes = number(words, 1);
  const sconce::DeviceSpeed speed = devices().measure(sconce::Device::parse(word(words, 0)), bytes);
  return {{{"seconds", static_cast<double>(bytes) / speed.copy_in}}, {}};
}

/// devices: what is there, beside the CPU.
Answer list_devices(const Words&) {
  Answer answer;
  for (const sconce::DeviceInfo& info : devices().list())
    if (info.device.type != sconce::DeviceType::cpu)
      answer.words[info.device.to_string()] = info.name + ", " + info.driver;
  return answer;
}

sconce::Checkpoint cast_to(sconce::Checkpoint checkpoint, const std::string& dtype) {
  const auto to = sconce::dtype_from_string(dtype);
  if (!to) throw std::runtime_error("no such dtype: " + dtype);
  sconce::MoveOptions options;
  options.map_location = sconce::Device{};
  options.cast = {{"*", {}, *to}};
  checkpoint.to(options);
  return checkpoint;
}

/// So many numbers around zero, in huge pages, as they are after a load.
sconce::Tensor numbers(std::uint64_t count) {
  const auto memory = std::make_shared<Memory>(count * sizeof(float));
  std::uint64_t state = 88172645463325252U;
  for (std::uint64_t index = 0; index < count; ++index) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const float value = static_cast<float>(static_cast<std::int64_t>(state)) * 0x1p-62F;
    std::memcpy(memory->at(index * sizeof value), &value, sizeof value);
  }
  const std::int64_t shape[] = {static_cast<std::int64_t>(count)};
  return sconce::Tensor::view(sconce::DType::float32, {memory->at(0), memory->size()}, shape, memory);
}

/// cast FROM TO COUNT: so many numbers in memory into another dtype. What they were stays, as it does for the peers.
Answer cast(const Words& words) {
  sconce::Checkpoint checkpoint;
  checkpoint["values"] = numbers(number(words, 2));
  if (word(words, 0) != "float32") checkpoint = cast_to(checkpoint, words[0]);
  const sconce::Tensor before = checkpoint.tensor("values");
  const double begin = now();
  checkpoint = cast_to(checkpoint, word(words, 1));
  return timed(begin);
}

/// one FILE NAME: one tensor, copied and looked at.
Answer one(const Words& words) {
  const double begin = now();
  const sconce::Checkpoint checkpoint = sconce::load(word(words, 0));
  const sconce::Tensor tensor = checkpoint.tensor(word(words, 1));
  std::vector<std::byte> bytes(tensor.nbytes());
  tensor.copy_to(bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uint64_t size = bytes.size();
  volatile std::uint64_t sum = bench_touch(&address, &size, 1);
  static_cast<void>(sum);
  return timed(begin);
}

/// hold FILE [DEVICE]: what later saves write.
Answer hold(const Words& words) {
  const double begin = now();
  held() = sconce::load(word(words, 0));
  held().to(move_options(words.size() > 1 ? words : Words{words[0], "cpu"}, 1));
  return timed(begin);
}

Answer drop(const Words&) {
  held() = sconce::Checkpoint();
  return {};
}

/// save PATH FORMAT fast|durable
Answer save(const Words& words) {
  sconce::SaveOptions options;
  options.format = word(words, 1);
  options.durable = word(words, 2) == "durable";
  const double begin = now();
  sconce::save(held(), word(words, 0), options);
  return timed(begin);
}

/// save_async PATH FORMAT: until the caller may go on, in memory that earlier snapshots have left; "durable" is when
/// the file is there.
Answer save_async(const Words& words) {
  static const sconce::SnapshotPool pool;
  sconce::SaveOptions options;
  options.format = word(words, 1);
  const double begin = now();
  sconce::SaveHandle handle = sconce::save_async(held(), word(words, 0), options, pool);
  Answer answer = timed(begin);
  handle.wait();
  answer.numbers["durable"] = now() - begin;
  return answer;
}

/// convert FROM TO
Answer convert(const Words& words) {
  const double begin = now();
  sconce::save(sconce::load(word(words, 0)), word(words, 1));
  return timed(begin);
}

/// verify FILE
Answer verify(const Words& words) {
  const double begin = now();
  const sconce::VerifyReport report = sconce::verify(word(words, 0));
  Answer answer = timed(begin);
  if (!report.whole) throw std::runtime_error("the file is not whole");
  answer.numbers["checksums"] = static_cast<double>(report.checksums);
  return answer;
}

}  // namespace

int main() {
  return serve({{"open", open},
                {"load", load},
                {"one", one},
                {"hold", hold},
                {"drop", drop},
                {"save", save},
                {"save_async", save_async},
                {"move", move},
                {"device_limit", device_limit},
                {"devices", list_devices},
                {"cast", cast},
                {"convert", convert},
                {"verify", verify}});
}
