// The tar files of torch 0.1.
#include "formats/pytorch/tar_reader.h"

#include "formats/pytorch/file_builder.h"

namespace sconce::formats::pytorch {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::string member(std::string_view name, const std::string& content, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  char size[13];
  (void)std::snprintf(size, sizeof(size), "%011zo", content.size());
  put(124, size);
  put(148, "        ");
  header[156] = type;
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char checksum[8];
  (void)std::snprintf(checksum, sizeof(checksum), "%06o", sum);
  put(148, checksum);
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

struct Parts {
  std::string info = PickleBuilder(2).empty_dict().text("little_endian").boolean(true).setitem().stop();
  std::string storages = PickleBuilder(2).integer(1).stop() + storage_head() + payload(3, floats({1, 2, 3})) +
                         PickleBuilder(2).empty_list().stop();
  std::string tensors = PickleBuilder(2).integer(1).stop() +
                        PickleBuilder(2).integer(20).integer(10).global("torch", "FloatTensor").tuple3().stop() +
                        place(3, 1, 0);
  std::string object = PickleBuilder(2).empty_dict().text("w").text("20").persistent().setitem().stop();

  static std::string storage_head() {
    return PickleBuilder(2).integer(10).text("cpu").global("torch", "FloatStorage").tuple3().stop();
  }
  static std::string place(std::int64_t size, std::int64_t stride, std::int64_t offset) {
    std::string bytes;
    append_le(bytes, std::uint32_t{1});
    append_le(bytes, std::uint32_t{0});
    for (const std::int64_t number : {size, stride, offset}) append_le(bytes, static_cast<std::uint64_t>(number));
    return bytes;
  }
  [[nodiscard]] std::string file() const {
    return member("sys_info", info) + member("pickle", object) + member("tensors", tensors) +
           member("storages", storages) + std::string(1024, '\0');
  }
};

TEST(TorchTar, HasATreeAndItsStorages) { EXPECT_THAT(open_bytes(Parts().file()).floats("w"), ElementsAre(1, 2, 3)); }

TEST(TorchTar, ATensorLiesInsideItsStorage) {
  for (const auto& [size, offset] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{4, 0}, {3, 1}, {-1, 0}, {1, -1}, {INT64_MAX, 0}}) {
    Parts parts;
    parts.tensors = parts.tensors.substr(0, parts.tensors.size() - 32) + Parts::place(size, 1, offset);
    EXPECT_EQ(open_error(parts.file()).code(), ErrorCode::damaged);
  }
}

TEST(TorchTar, ViewsArePartsOfTheirStorage) {
  const auto with_view = [](std::int64_t offset, std::int64_t numel) {
    Parts parts;
    parts.storages = PickleBuilder(2).integer(1).stop() + Parts::storage_head() + payload(3, floats({1, 2, 3})) +
                     PickleBuilder(2)
                         .empty_list()
                         .mark()
                         .integer(11)
                         .integer(10)
                         .integer(offset)
                         .integer(numel)
                         .tuple()
                         .append()
                         .stop();
    parts.tensors = PickleBuilder(2).integer(1).stop() +
                    PickleBuilder(2).integer(20).integer(11).global("torch", "FloatTensor").tuple3().stop() +
                    Parts::place(2, 1, 0);
    return parts.file();
  };
  EXPECT_THAT(open_bytes(with_view(1, 2)).floats("w"), ElementsAre(2, 3));
  for (const auto& [offset, numel] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{2, 2}, {-1, 2}, {0, -1}, {0, 1}})
    EXPECT_EQ(open_error(with_view(offset, numel)).code(), ErrorCode::damaged);
}

TEST(TorchTar, CallsOfEveryMemberAreTold) {
  const std::string call = PickleBuilder(2).global("os", "system").empty_tuple().reduce().pop().open();
  Parts parts;
  parts.info = call + parts.info;
  EXPECT_TRUE(open_bytes(parts.file()).calls("os.system"));
  Parts other;
  other.storages = call + other.storages;
  EXPECT_TRUE(open_bytes(other.file()).calls("os.system"));
}

TEST(TorchTar, AMissingMemberIsNamed) {
  const Parts parts;
  EXPECT_THAT(open_error(member("sys_info", parts.info) + member("pickle", parts.object) + std::string(1024, '\0')),
              is_error(ErrorCode::damaged, "no member \"storages\""));
}

TEST(TorchTar, AStorageThatDoesNotFitIsRefused) {
  Parts parts;
  parts.storages = PickleBuilder(2).integer(1).stop() + Parts::storage_head() + payload(std::uint64_t{1} << 61, "");
  EXPECT_EQ(open_error(parts.file()).code(), ErrorCode::damaged);
}

}  // namespace
}  // namespace sconce::formats::pytorch
