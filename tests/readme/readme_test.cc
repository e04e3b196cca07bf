// The README's program does what the README says.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <avss/convtasnet.hpp>
#include <avss/io/audio.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

class readme : public testing::in_folder {};

TEST_F(readme, the_program_separates_a_file) {
  const std::string weights = std::filesystem::absolute("weights/convtasnet_small.safetensors").string(),
                    program = std::filesystem::absolute("tests/readme/separate").string();
  engine<ConvTasNet<presets::convtasnet_small>, cpu> network(cpu{1});
  load_weights(network, weights);
  const std::vector<float> mixture = testing::noise(3000, 5, 0.5);
  write_audio(folder / "mixture.wav", 8000, mixture);
  const auto status = [&](const std::string& arguments) {
    const int s = std::system(("cd " + folder.string() + " && " + program + " " + arguments + " 2>err").c_str());
    return WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
  };
  ASSERT_EQ(status(weights + " mixture.wav"), 0) << testing::bytes_of_file(folder / "err");
  const auto voices = network.separate(mixture);
  EXPECT_EQ(read_audio(folder / "voice1.wav").samples, voices[0]);
  EXPECT_EQ(read_audio(folder / "voice2.wav").samples, voices[1]);
  EXPECT_EQ(status("absent.pth mixture.wav"), 1);
  EXPECT_EQ(status(""), 1);
  EXPECT_EQ(testing::bytes_of_file(folder / "err"), "separate: expected two arguments: WEIGHTS MIXTURE\n");
}

}  // namespace
}  // namespace avss
