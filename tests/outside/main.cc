// What an outside program does with an installed Sconce: build a checkpoint, save it, load it, read it, catch an error.
#include <sconce/sconce.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int count, char** words) {
  if (count != 2) return 2;
  const std::string path = words[1];
  sconce::Checkpoint fresh;
  fresh["weight"] = sconce::Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  fresh["epoch"] = 3;
  sconce::save(fresh, path);

  const sconce::Checkpoint run = sconce::load(path);
  const std::vector<float> weight = run.tensor("weight").to_vector<float>();
  if (weight.size() != 6 || weight[5] != 6 || run["epoch"].as_int() != 3) return 1;
  try {
    static_cast<void>(run.tensor("no such tensor"));
    return 1;
  } catch (const sconce::Error& error) {
    if (error.code() != sconce::ErrorCode::not_found) return 1;
  }
  std::printf("sconce %s: %s is whole: %d\n", SCONCE_VERSION, path.c_str(), sconce::verify(path).whole ? 1 : 0);
  return sconce::verify(path).whole ? 0 : 1;
}
