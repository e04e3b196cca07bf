// //tools:train built without MPI and started by mpirun.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/tools/train_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

class train_without_mpi : public train_in_folder {
 protected:
  outcome start(const std::string& variables) const {
    return run(
        "--threads 1 model=convtasnet_tiny datasets=synthetic trainer.n_epochs=1 trainer.epoch_len=1 "
        "datasets.train.segment=0.1 datasets.val.segment=0.1 datasets.val.limit=1 dataloader.batch_size=1 "
        "writer.run_name=alone trainer.save_dir=" +
            folder.string(),
        variables);
  }
};

TEST_F(train_without_mpi, does_not_run_as_several) {
  const outcome r = start("OMPI_COMM_WORLD_SIZE=2");
  EXPECT_EQ(r.status, 1);
  ASSERT_FALSE(r.err.empty());
  EXPECT_TRUE(says(r.err.substr(0, r.err.size() - 1), "built without MPI", "--config=mpi")) << r.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "alone"));
}

TEST_F(train_without_mpi, runs_as_one) { EXPECT_EQ(start("OMPI_COMM_WORLD_SIZE=1").status, 0); }

}  // namespace
}  // namespace avss
