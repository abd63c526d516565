// Checkpoint::to(): where bytes end up, that nothing of them changes, and that a failure changes nothing.
#include <sconce/checkpoint.h>
#include <sconce/save.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "io/temporary_folder.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::error_of;
using test::fixture;
using test::floats;
using test::is_error;
using test::TemporaryFolder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Every tensor of a checkpoint by name, with what its elements hash to.
std::vector<std::pair<std::string, std::string>> hashes(const Checkpoint& checkpoint) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, tensor] : checkpoint.tensors())
    all.emplace_back(name, tensor.has_storage() && !tensor.is_meta() ? tensor.sha256() : "");
  return all;
}

/// A machine of which only the CPU is known.
Devices cpu_only() {
  DeviceSearch search;
  search.cuda = search.opencl = false;
  return Devices(search);
}

MoveOptions onto(const MapLocation& where) {
  MoveOptions options;
  options.map_location = where;
  options.devices = cpu_only();
  return options;
}

std::string saved(const TemporaryFolder& folder, const Checkpoint& made, const std::string& name = "given.pt") {
  SaveOptions options;
  options.durable = false;
  save(made, folder / name, options);
  return folder / name;
}

TEST(Move, ToTheCpuKeepsEveryElementOfEveryFixture) {
  for (const char* folder : {"torch-1.13", "torch-2.13"}) {
    for (const auto& entry : std::filesystem::directory_iterator(fixture(folder))) {
      if (entry.path().extension() != ".pt") continue;
      Checkpoint moved = load(entry.path());
      const auto before = hashes(moved);
      const MoveReport report = moved.to("cpu");
      EXPECT_EQ(hashes(moved), before) << entry.path();
      for (const auto& [name, tensor] : moved.tensors()) {
        if (!tensor.has_storage()) continue;
        EXPECT_EQ(tensor.storage().location(), "cpu") << entry.path() << " " << name;
      }
      EXPECT_LE(report.devices.size(), 1U);
    }
  }
}

TEST(Move, OfAFileSavedOnAGpuAsksForNothing) {
  Checkpoint run = load(fixture("demo/gpu_run.ckpt"));
  const auto before = hashes(run);
  const MoveReport report = run.to(onto({}));
  EXPECT_THAT(report.notes, Contains(HasSubstr("is not here")));
  EXPECT_EQ(hashes(run), before);
}

TEST(Move, GivesMemoryThatNeedsNoFile) {
  const TemporaryFolder folder;
  const std::string path = saved(folder, checkpoint({{"w", floats({1, 2, 3})}}));
  Checkpoint moved = load(path);
  moved.to("cpu");
  const Tensor weight = moved.tensor("w");
  std::ofstream(path, std::ios::trunc) << "";
  EXPECT_THAT(weight.to_vector<float>(), ElementsAre(1, 2, 3));
  EXPECT_FALSE(weight.storage().file_offset());
}

TEST(Move, OfAStreamWithoutAlignmentGivesTensorsThatCanBeViewed) {
  const TemporaryFolder folder;
  SaveOptions legacy;
  legacy.format = "pytorch-legacy";
  legacy.durable = false;
  for (std::size_t odd = 0; odd < 4; ++odd) {
    save(checkpoint({{std::string(odd, 'x'), floats({1})}, {"w", floats({1, 2, 3})}}), folder / "old.pt", legacy);
    Checkpoint moved = load(folder / "old.pt");
    moved.to("cpu");
    EXPECT_THAT(moved.tensor("w").data<float>(), ElementsAre(1, 2, 3));
  }
}

TEST(Move, KeepsAliasesAndTensorsThatWereTakenOutBefore) {
  const TemporaryFolder folder;
  const Tensor shared = floats({1, 2, 3, 4});
  const std::int64_t two[] = {2};
  const std::int64_t one[] = {1};
  const Tensor tail = Tensor::over(shared.storage(), DType::float32, two, one, 2);
  Checkpoint moved = load(saved(folder, checkpoint({{"all", shared}, {"tail", tail}})));
  const Tensor before = moved.tensor("all");
  moved.to("cpu");
  EXPECT_TRUE(moved.tensor("all").storage().is(moved.tensor("tail").storage()));
  EXPECT_FALSE(moved.tensor("all").storage().is(before.storage()));
  EXPECT_THAT(before.to_vector<float>(), ElementsAre(1, 2, 3, 4));
}

TEST(Move, WithoutOwnMemoryLeavesViewsOfTheFile) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats({1, 2, 3})}})));
  MoveOptions options = onto("cpu");
  options.own = false;
  EXPECT_EQ(moved.to(options).bytes_moved, 0U);
  EXPECT_TRUE(moved.tensor("w").storage().file_offset());
}

TEST(Move, SaysHowMuchHostMemoryItTook) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats(std::vector<float>(1000, 1))}})));
  EXPECT_EQ(moved.plan_move(onto("cpu")).host_memory, 4000U);
  EXPECT_EQ(moved.to(onto("cpu")).host_memory, 4000U);
}

TEST(Move, ToMetaKeepsShapesAndNoBytes) {
  Checkpoint moved = checkpoint({{"w", floats({1, 2, 3})}, {"epoch", 3}});
  moved.to(onto("meta"));
  const Tensor weight = moved.tensor("w");
  EXPECT_TRUE(weight.is_meta());
  EXPECT_EQ(weight.device(), "meta");
  EXPECT_THAT(weight.shape(), ElementsAre(3));
  EXPECT_EQ(moved["epoch"].as_int(), 3);
}

TEST(Move, ToADeviceThatIsNotHereChangesNothing) {
  Checkpoint moved = checkpoint({{"w", floats({1, 2})}});
  EXPECT_THAT(error_of([&] { moved.to(onto("cuda:1")); }), is_error(ErrorCode::unsupported, "there is no cuda:1 here"));
  EXPECT_THAT(moved.tensor("w").to_vector<float>(), ElementsAre(1, 2));
}

TEST(Move, ThatDoesNotFitIsRefusedBeforeAnythingIsRead) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats(std::vector<float>(1000, 1))}})));
  MoveOptions options = onto("cpu");
  options.host_memory = 1024;
  EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::memory, "takes 3.91 KiB"));
  const MoveReport plan = moved.plan_move(options);
  ASSERT_EQ(plan.devices.size(), 1U);
  EXPECT_FALSE(plan.devices[0].fits);
  EXPECT_TRUE(moved.tensor("w").storage().file_offset()) << "it is where it was";
}

TEST(Move, ComparesChecksumsAndNamesTheTensor) {
  const TemporaryFolder folder;
  const std::string path = saved(folder, checkpoint({{"a", floats({1, 2})}, {"b", floats({3, 4})}}));
  const auto offset = load(path).tensor("b").storage().file_offset();
  ASSERT_TRUE(offset);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(*offset))
      .put(9);
  Checkpoint damaged = load(path);
  const Error error = error_of([&] { damaged.to("cpu"); });
  EXPECT_EQ(error.code(), ErrorCode::checksum);
  EXPECT_EQ(error.place().key, "b");
  EXPECT_THAT(error.place().record, HasSubstr("data/1"));
  EXPECT_TRUE(damaged.tensor("a").storage().file_offset()) << "nothing moved";
  MoveOptions options = onto("cpu");
  options.checksums = Checksums::skip;
  EXPECT_EQ(damaged.to(options).checksums, 0U);
}

TEST(Move, IsCancelledAndChangesNothing) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats({1})}})));
  std::stop_source stop;
  stop.request_stop();
  MoveOptions options = onto("cpu");
  options.cancel = stop.get_token();
  EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::cancelled, ""));
  EXPECT_TRUE(moved.tensor("w").storage().file_offset());
}

TEST(Move, ReportsProgressUpToAllBytes) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats(std::vector<float>(100'000, 1))}})));
  MoveOptions options = onto("cpu");
  std::uint64_t done = 0;
  options.progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.stage, "load");
    EXPECT_EQ(report.total, 400'000U);
    done = report.done;
  };
  moved.to(options);
  EXPECT_EQ(done, 400'000U);
}

TEST(Move, ProgressNeverPassesTheTotalWhateverIsReadBetweenTensors) {
  const TemporaryFolder folder;
  Checkpoint made;
  for (int at = 0; at < 300; ++at) made["t" + std::to_string(at)] = floats({1, 2, 3});
  Checkpoint moved = load(saved(folder, made));
  MoveOptions options = onto("cpu");
  std::uint64_t most = 0;
  options.progress = [&](const ProgressReport& report) {
    EXPECT_EQ(report.total, 3600U);
    most = std::max(most, report.done);
  };
  moved.to(options);
  EXPECT_EQ(most, 3600U);
}

TEST(Move, LeavesOutWhatWasTakenOutOfTheTree) {
  const TemporaryFolder folder;
  Checkpoint moved = load(saved(folder, checkpoint({{"w", floats({1, 2})}, {"optimizer", floats({1, 2, 3, 4})}})));
  const Tensor before = moved.tensor("optimizer");
  moved.root().erase("optimizer");
  EXPECT_EQ(moved.plan_move(onto("cpu")).bytes_moved, 8U);
  EXPECT_EQ(moved.to("cpu").bytes_moved, 8U);
  EXPECT_THAT(before.to_vector<float>(), ElementsAre(1, 2, 3, 4));
}

TEST(Move, ToMetaGivesTheBytesUp) {
  auto memory = std::make_shared<const std::vector<float>>(std::vector<float>{1, 2});
  const std::weak_ptr<const std::vector<float>> held = memory;
  const std::int64_t shape[] = {2};
  Checkpoint moved =
      checkpoint({{"w", Tensor::view(DType::float32, std::as_bytes(std::span(*memory)), shape, memory)}});
  memory.reset();
  ASSERT_FALSE(held.expired());
  moved.to(onto("meta"));
  EXPECT_TRUE(held.expired());
  EXPECT_EQ(moved.to(onto("cpu")).bytes_moved, 0U) << "there is nothing left to move";
}

TEST(Move, TellsHowLongPlanningTook) {
  Checkpoint moved = checkpoint({{"w", floats({1})}});
  const MoveReport report = moved.to(onto("cpu"));
  ASSERT_EQ(report.stages.size(), 4U);
  EXPECT_EQ(report.stages[0].first, "plan");
  EXPECT_GT(report.stages[0].second, 0);
  EXPECT_GE(report.seconds, report.stages[0].second);
}

/// A file that is cut or written to, and casts that are to read it.
MoveOptions to_half() {
  MoveOptions options = onto("cpu");
  options.cast = {{"*", {}, DType::float16}};
  options.threads = 1;
  return options;
}

TEST(MoveCast, OfAFileThatWasCutShortIsAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  const std::string path = saved(folder, checkpoint({{"w", floats(std::vector<float>(100'000, 1))}}), "w.safetensors");
  Checkpoint moved = load(path);
  ASSERT_EQ(moved.tensor("w").data<float>().size(), 100'000U) << "it is mapped";
  std::filesystem::resize_file(path, 4096);
  const Error error = error_of([&] { moved.to(to_half()); });
  EXPECT_EQ(error.code(), ErrorCode::truncated);
  EXPECT_EQ(error.place().key, "w");
  EXPECT_EQ(moved.tensor("w").dtype(), DType::float32) << "nothing moved";
}

TEST(MoveCast, OfAFileThatIsWrittenToMeanwhileIsAnError) {
  const TemporaryFolder folder;
  const std::string path =
      saved(folder, checkpoint({{"a", floats(std::vector<float>(100'000, 1))}, {"b", floats({2})}}), "w.safetensors");
  Checkpoint moved = load(path);
  MoveOptions options = to_half();
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  options.progress = [&](const ProgressReport&) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now());
  };
  EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::damaged, "changed while it was being read"));
  EXPECT_EQ(moved.tensor("a").dtype(), DType::float32) << "nothing moved";
}

TEST(MoveCast, ChangesDtypesByRuleAndKeepsNumbersAndIntegers) {
  Checkpoint moved = checkpoint({{"net.w", floats({1.5F, -2})},
                                 {"net.norm", floats({3})},
                                 {"step", Tensor::from(std::vector<float>{7}, {})},
                                 {"count", test::vector_of<std::int64_t>({5})}});
  MoveOptions options = onto("cpu");
  options.cast = {{"*norm*", {}, DType::float64}, {"*", {}, DType::float16}};
  const MoveReport report = moved.to(options);
  EXPECT_EQ(moved.tensor("net.w").dtype(), DType::float16);
  EXPECT_EQ(moved.tensor("net.norm").dtype(), DType::float64);
  EXPECT_EQ(moved.tensor("step").dtype(), DType::float32);
  EXPECT_EQ(moved.tensor("count").dtype(), DType::int64);
  EXPECT_EQ(static_cast<float>(moved.tensor("net.w").to_vector<Float16>()[1]), -2);
  EXPECT_THAT(moved.tensor("net.norm").to_vector<double>(), ElementsAre(3));
  EXPECT_THAT(report.notes, Contains(HasSubstr("float32 becomes float16: 1 storage")));
}

TEST(MoveCast, CountsWhatTheNewDtypeCannotHold) {
  Checkpoint moved = checkpoint({{"w", floats({1e6F, -1e6F, 1e-10F, 1})}});
  MoveOptions options = onto("cpu");
  options.cast = {{"*", {}, DType::float16}};
  const CastCounts counts = moved.to(options).casts;
  EXPECT_EQ(counts.elements, 4U);
  EXPECT_EQ(counts.to_infinity, 2U);
  EXPECT_EQ(counts.to_zero, 1U);
}

TEST(MoveCast, KeepsAliasesAndRefusesContradictions) {
  const Tensor shared = floats({1, 2, 3, 4});
  const std::int64_t two[] = {2};
  const std::int64_t one[] = {1};
  const Tensor tail = Tensor::over(shared.storage(), DType::float32, two, one, 2);
  Checkpoint moved = checkpoint({{"all", shared}, {"tail", tail}});
  MoveOptions options = onto("cpu");
  options.cast = {{"tail", {}, DType::float16}};
  EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::invalid_argument, "shares its storage"));
  options.cast = {{"*", {}, DType::float16}};
  moved.to(options);
  EXPECT_TRUE(moved.tensor("all").storage().is(moved.tensor("tail").storage()));
  EXPECT_EQ(static_cast<float>(moved.tensor("tail").to_vector<Float16>()[0]), 3);
}

TEST(MoveCast, LeavesAStorageThatIsShownAsTwoDtypes) {
  const Tensor shared = floats({1, 2});
  const std::int64_t two[] = {2};
  const std::int64_t one[] = {1};
  const Tensor bits = Tensor::over(shared.storage(), DType::int32, two, one, 0);
  Checkpoint moved = checkpoint({{"f", shared}, {"bits", bits}});
  MoveOptions options = onto("cpu");
  options.cast = {{"*", {}, DType::float16}};
  EXPECT_THAT(moved.to(options).notes, Contains(HasSubstr("f: stays float32")));
  EXPECT_EQ(moved.tensor("f").dtype(), DType::float32);
}

TEST(MoveCast, OfQuantisedTensorsAndNumpyArraysChangesNothing) {
  for (const char* name : {"torch-2.13/quantized.zip.pt", "torch-2.13/numpy_values.zip.pt"}) {
    if (!std::filesystem::exists(fixture(name))) continue;
    Checkpoint moved = load(fixture(name));
    Checkpoint plain = load(fixture(name));
    MoveOptions options = onto("cpu");
    options.cast = {{"*", {}, DType::float16}};
    moved.to(options);
    const auto tensors = moved.tensors();
    const auto before = plain.tensors();
    ASSERT_EQ(tensors.size(), before.size());
    for (std::size_t at = 0; at < tensors.size(); ++at) {
      if (!before[at].tensor.is_numpy() && before[at].tensor.qscheme() == QScheme::none) continue;
      EXPECT_EQ(tensors[at].tensor.sha256(), before[at].tensor.sha256()) << name << " " << tensors[at].name;
    }
  }
}

TEST(MoveCast, ForEverythingLeavesWhatThereIsNoCastFor) {
  const std::byte two[] = {std::byte{0x12}, std::byte{0x34}};
  const std::int64_t shape[] = {2};
  Checkpoint moved = checkpoint({{"packed", Tensor::copy_of(DType::float4_e2m1fn_x2, two, shape)}, {"w", floats({1})}});
  MoveOptions options = onto("cpu");
  options.cast = {{"*", {}, DType::float16}};
  EXPECT_THAT(moved.to(options).notes, Contains(HasSubstr("tensors of float4_e2m1fn_x2 stay as they are")));
  EXPECT_EQ(moved.tensor("packed").dtype(), DType::float4_e2m1fn_x2);
  EXPECT_EQ(moved.tensor("w").dtype(), DType::float16);
  options.cast = {{"packed", {}, DType::float16}};
  EXPECT_THAT(error_of([&] { moved.to(options); }), is_error(ErrorCode::unsupported, "leave the tensor out"));
}

TEST(MoveFormat, ChannelsLastGivesTheStridesOfPyTorch) {
  std::vector<float> values(2 * 3 * 4 * 5);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at);
  const std::int64_t shape[] = {2, 3, 4, 5};
  Checkpoint moved = checkpoint({{"conv", Tensor::from(std::span<const float>(values), shape)}, {"b", floats({1})}});
  MoveOptions options = onto("cpu");
  options.memory_format = MemoryFormat::channels_last;
  moved.to(options);
  EXPECT_THAT(moved.tensor("conv").strides(), ElementsAre(60, 1, 15, 3));
  EXPECT_EQ(moved.tensor("conv").to_vector<float>(), values);
  options.memory_format = MemoryFormat::contiguous;
  moved.to(options);
  EXPECT_TRUE(moved.tensor("conv").is_contiguous());
  EXPECT_EQ(moved.tensor("conv").to_vector<float>(), values);
}

TEST(LazyCast, ReadsNothingAndIsDoneWhileSaving) {
  const TemporaryFolder folder;
  Checkpoint model = load(saved(folder, checkpoint({{"w", floats({1, 70000})}})));
  EXPECT_THAT(model.cast({{"*", {}, DType::float16}}), ElementsAre(HasSubstr("float32 becomes float16")));
  EXPECT_EQ(model.cast_counts().elements, 0U);
  const Checkpoint read = load(saved(folder, model, "half.pt"));
  EXPECT_EQ(read.tensor("w").dtype(), DType::float16);
  EXPECT_EQ(static_cast<float>(read.tensor("w").to_vector<Float16>()[0]), 1);
  EXPECT_EQ(model.cast_counts().to_infinity, 1U);
}

TEST(LazyCast, OfAFileThatWasCutSinceIsAnErrorAndNoSignal) {
  const TemporaryFolder folder;
  const std::string path = saved(folder, checkpoint({{"w", floats(std::vector<float>(100'000, 1))}}));
  Checkpoint model = load(path);
  model.cast({{"*", {}, DType::float16}});
  std::filesystem::resize_file(path, 4096);
  EXPECT_THAT(error_of([&] { model.to("cpu"); }), is_error(ErrorCode::truncated, ""));
}

TEST(LazyCast, KeepsTheSavedLocation) {
  Checkpoint run = load(fixture("demo/gpu_run.ckpt"));
  std::vector<std::string> before;
  for (const auto& [name, tensor] : run.tensors()) before.push_back(tensor.device());
  run.cast({{"*", {}, DType::bfloat16}});
  std::vector<std::string> after;
  for (const auto& [name, tensor] : run.tensors()) after.push_back(tensor.device());
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace sconce
