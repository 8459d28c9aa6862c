//! The measures a board can show: name, direction and unit.

use crate::spelled_enum;

spelled_enum! {
    /// The nine of the STS 2024 protocol. Accuracy is measured by scoring, time and area by the run.
    pub enum Metric as "metric" {
        ImageDsc = "image_DSC",
        ImageIou = "image_IoU",
        ImageNsd = "image_NSD",
        InstanceDsc = "instance_DSC",
        InstanceIou = "instance_IoU",
        InstanceNsd = "instance_NSD",
        IdentificationAccuracy = "IA",
        RunningTime = "running_time_s",
        GpuMemoryArea = "gpu_memory_area_mib_s",
    }
}

impl Metric {
    pub const fn is_higher_better(self) -> bool {
        !self.is_of_run()
    }

    /// Whether it is measured on the run and not on the output.
    pub const fn is_of_run(self) -> bool {
        matches!(self, Self::RunningTime | Self::GpuMemoryArea)
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::ImageDsc => "DSC (image)",
            Self::ImageIou => "IoU (image)",
            Self::ImageNsd => "NSD (image)",
            Self::InstanceDsc => "DSC (instance)",
            Self::InstanceIou => "IoU (instance)",
            Self::InstanceNsd => "NSD (instance)",
            Self::IdentificationAccuracy => "IA",
            Self::RunningTime => "Time",
            Self::GpuMemoryArea => "GPU area",
        }
    }

    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::RunningTime => Some("s"),
            Self::GpuMemoryArea => Some("MiB·s"),
            Self::ImageDsc
            | Self::ImageIou
            | Self::ImageNsd
            | Self::InstanceDsc
            | Self::InstanceIou
            | Self::InstanceNsd
            | Self::IdentificationAccuracy => None,
        }
    }
}
