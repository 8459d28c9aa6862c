-- Layers and images that no submission needs any more are removed by `submission`.
GRANT DELETE ON submission.layers, submission.images, submission.image_layers TO molar_submission;
-- To lock a row that is about to go.
GRANT UPDATE (stored_at) ON submission.layers, submission.images TO molar_submission;

CREATE INDEX image_layers_by_layer ON submission.image_layers (diff_id);
CREATE INDEX uploads_by_image ON submission.uploads (image_digest) WHERE image_digest IS NOT NULL;
