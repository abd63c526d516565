#include <sconce/sconce.h>

#include <iostream>

// move FILE WHERE: "auto", "cpu", "cuda:0", "cuda:0=cpu,cuda:1=cuda:0", "fill:cuda:0=20GiB,cuda:1,cpu" …
int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    sconce::Checkpoint model = sconce::load(words[1]);  // whatever device it was saved on
    sconce::MoveOptions options;
    options.map_location = words[2];
    options.cast = {{"*norm*", {}, sconce::DType::float32}, {"*", {}, sconce::DType::bfloat16}};
    const sconce::MoveReport plan = model.plan_move(options);  // reads no tensor
    for (const sconce::DeviceShare& share : plan.devices) {
      std::cout << share.device.to_string() << " gets " << share.bytes << " of " << share.free << " free bytes\n";
    }
    const sconce::MoveReport done = model.to(options);  // all or nothing; an error changes nothing
    std::cout << done.bytes_moved << " bytes in " << done.seconds << " s\n";
  } catch (const sconce::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
