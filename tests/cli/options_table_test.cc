// The table and what is made from it agree.
#include "cli/options_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/help.h"
#include "cli/run_sconce.h"

namespace sconce::cli {
namespace {

using test::run_sconce;
using testing::HasSubstr;

TEST(OptionsTable, HasNoTwoOptionsOfOneName) {
  for (const Command& command : commands()) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for_each_option(command, [&](const Option& option) {
      EXPECT_TRUE(names.insert(option.name).second) << command.name << " --" << option.name;
      if (option.letter != 0) {
        EXPECT_TRUE(letters.insert(option.letter).second) << command.name << " -" << option.letter;
      }
      EXPECT_FALSE(option.brief.empty());
      EXPECT_FALSE(option.category.empty());
    });
  }
}

TEST(OptionsTable, IsAllInTheHelpTheManualAndTheCompletions) {
  const std::string bash = run_sconce({"completion", "bash"}).out;
  const std::string zsh = run_sconce({"completion", "zsh"}).out;
  const std::string fish = run_sconce({"completion", "fish"}).out;
  for (const Command& command : commands()) {
    const std::string help = command_help(command);
    const std::string page = run_sconce({"man", std::string(command.name)}).out;
    for_each_option(command, [&](const Option& option) {
      const std::string name(option.name);
      EXPECT_THAT(help, HasSubstr("--" + name));
      EXPECT_THAT(bash, HasSubstr("--" + name));
      EXPECT_THAT(zsh, HasSubstr("--" + name + "["));
      EXPECT_THAT(fish, HasSubstr(" -l " + name));
      std::string roff = name;
      for (std::size_t at = 0; (at = roff.find('-', at)) != std::string::npos; at += 2) roff.insert(at, "\\");
      EXPECT_THAT(page, HasSubstr("\\fB\\-\\-" + roff + "\\fR"));
    });
  }
}

TEST(OptionsTable, GivesHelpThatFitsATerminal) {
  for (const Command& command : commands()) {
    std::istringstream lines(command_help(command));
    for (std::string line; std::getline(lines, line);) {
      const bool example = line.starts_with("  sconce ") || line.starts_with("  curl ");
      EXPECT_TRUE(example || line.size() <= 81) << line;
    }
  }
}

TEST(Completion, RefusesOtherShells) { EXPECT_EQ(run_sconce({"completion", "csh"}).code, 2); }

TEST(Completion, IsABashScript) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "sconce.bash", run_sconce({"completion", "bash"}).out);
  EXPECT_EQ(std::system(("bash -n '" + (folder / "sconce.bash") + "'").c_str()), 0);
}

}  // namespace
}  // namespace sconce::cli
