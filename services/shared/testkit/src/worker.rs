use molar_domain::WorkerId;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::noon;

#[derive(Debug, Clone)]
pub struct Worker {
    pub id: WorkerId,
    /// What it signs in to the worker API with.
    pub key: String,
}

/// An enrolled worker without a GPU, seen at [`noon`].
pub struct WorkerBuilder {
    name: String,
    device_class: String,
    slots: i16,
    gpus: i16,
    slot_memory_bytes: i64,
    is_draining: bool,
}

impl WorkerBuilder {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            device_class: "cpu".to_owned(),
            slots: 1,
            gpus: 0,
            slot_memory_bytes: 32 << 30,
            is_draining: false,
        }
    }

    pub fn device_class(mut self, class: &str) -> Self {
        self.device_class = class.to_owned();
        self
    }

    pub fn slots(mut self, slots: i16) -> Self {
        self.slots = slots;
        self
    }

    pub fn gpus(mut self, gpus: i16) -> Self {
        self.gpus = gpus;
        self
    }

    pub fn slot_memory_bytes(mut self, bytes: i64) -> Self {
        self.slot_memory_bytes = bytes;
        self
    }

    pub fn draining(mut self) -> Self {
        self.is_draining = true;
        self
    }

    pub async fn insert(self, pool: &PgPool) -> Worker {
        let worker = Worker {
            id: WorkerId::at(noon()),
            key: format!("molar_worker_{}", Uuid::new_v4().simple()),
        };
        sqlx::query!(
            "INSERT INTO execution.workers
                 (id, name, key_hash, device_class, slots, slot_memory_bytes, device, enrolled_at, last_seen_at, is_draining, gpus)
             VALUES ($1, $2, sha256(convert_to($3, 'UTF8')), $4, $5, $6, $7, $8, $8, $9, $10)",
            worker.id.0,
            self.name,
            worker.key,
            self.device_class,
            self.slots,
            self.slot_memory_bytes,
            json!({ "cpu": "of a test", "cores": 1 }),
            noon(),
            self.is_draining,
            self.gpus,
        )
        .execute(pool)
        .await
        .expect("a worker");
        worker
    }
}
