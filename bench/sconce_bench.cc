// What the library does, timed as its users would call it: the public headers and nothing else.
#include <sconce/sconce.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "owned.h"
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

sconce::MoveOptions move_options(const Words& words, std::size_t first) {
  sconce::MoveOptions options;
  options.map_location = sconce::Device{};
  if (words.size() > first) {
    const auto way = sconce::way_from_string(words[first]);
    if (!way) throw std::runtime_error("no such way: " + words[first]);
    options.way = *way;
  }
  if (words.size() > first + 1 && words[first + 1] == "skip") options.checksums = sconce::Checksums::skip;
  return options;
}

/// load FILE [WAY [skip]]: everything in memory of our own, and looked at.
Answer load(const Words& words) {
  const double begin = now();
  const sconce::Checkpoint checkpoint = owned(word(words, 0), move_options(words, 1));
  touch(checkpoint.tensors());
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

/// hold FILE: what later saves write.
Answer hold(const Words& words) {
  const double begin = now();
  held() = owned(word(words, 0), move_options(words, 1));
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
                {"convert", convert},
                {"verify", verify}});
}
