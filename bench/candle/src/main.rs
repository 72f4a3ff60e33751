/* em-bench-candle FOLDER PAD: all-MiniLM-L6-v2 by candle, answering bench/encoder's lines.
 * PAD is 0, or what every text is padded to (with a mask): the reference system pads to 128.
 * Threads: RAYON_NUM_THREADS. */
use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

struct Side {
    model: BertModel,
    pad: usize,
    ids: Vec<u32>,
    tokens: usize,
    texts: usize,
    out: Vec<f32>,
    took: Duration,
}

impl Side {
    fn take(&mut self, path: &str, tokens: usize, texts: usize) -> std::result::Result<(), String> {
        if self.pad != 0 && tokens > self.pad {
            return Err(format!("pads to {}", self.pad));
        }
        let raw = std::fs::read(path).map_err(|e| e.to_string())?;
        self.ids = raw.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        (self.tokens, self.texts, self.took) = (tokens, texts, Duration::ZERO);
        Ok(())
    }

    fn embed(&mut self) -> Result<Duration> {
        let started = Instant::now();
        let cpu = &Device::Cpu;
        let width = self.tokens.max(self.pad);
        let mut ids = vec![0u32; self.texts * width];
        let mut real = vec![0f32; self.texts * width];
        for text in 0..self.texts {
            let row = text * width..text * width + self.tokens;
            ids[row.clone()].copy_from_slice(&self.ids[text * self.tokens..][..self.tokens]);
            real[row].fill(1.0);
        }
        let ids = Tensor::from_vec(ids, (self.texts, width), cpu)?;
        let real = Tensor::from_vec(real, (self.texts, width), cpu)?;
        let mask = if self.pad == 0 { None } else { Some(&real) };
        let states = self.model.forward(&ids, &ids.zeros_like()?, mask)?;
        let sum = states.broadcast_mul(&real.unsqueeze(2)?)?.sum(1)?;
        let mean = (sum / self.tokens as f64)?;
        let unit = mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        self.out = unit.flatten_all()?.to_vec1()?;
        self.took = started.elapsed();
        Ok(self.took)
    }

    fn run(&mut self, times: usize) -> Result<String> {
        let started = Instant::now();
        while self.took < Duration::from_millis(100) && started.elapsed() < Duration::from_millis(10) {
            self.embed()?;
        }
        let mut line = String::from("ns");
        for _ in 0..times {
            line += &format!(" {}", self.embed()?.as_nanos());
        }
        Ok(line)
    }

    fn out(&self) -> String {
        self.out.iter().flat_map(|x| x.to_le_bytes()).fold(String::from("out "), |s, b| s + &format!("{b:02x}"))
    }

    fn answer(&mut self, line: &str) -> std::result::Result<String, String> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["use", path, tokens, texts] => {
                let number = |s: &str| s.parse::<usize>().map_err(|e| e.to_string());
                self.take(path, number(tokens)?, number(texts)?).map(|()| "ok".into())
            }
            ["run", times] => self.run(times.parse().unwrap_or(1)).map_err(|e| e.to_string()),
            ["once"] => self.embed().map(|took| format!("ns {}", took.as_nanos())).map_err(|e| e.to_string()),
            ["out"] => Ok(self.out()),
            _ => Err("unknown line".into()),
        }
    }
}

fn load(folder: &str) -> Result<BertModel> {
    let config = std::fs::read_to_string(format!("{folder}/config.json"))?;
    let config: Config = serde_json::from_str(&config).map_err(candle_core::Error::wrap)?;
    let weights = std::fs::read(format!("{folder}/model.safetensors"))?;
    BertModel::load(VarBuilder::from_buffered_safetensors(weights, DTYPE, &Device::Cpu)?, &config)
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let model = load(&args[1])?;
    let pad = args[2].parse().unwrap_or(0);
    let mut side = Side { model, pad, ids: vec![], tokens: 0, texts: 0, out: vec![], took: Duration::ZERO };
    println!("ready candle 0.11.1");
    for line in std::io::stdin().lock().lines() {
        match side.answer(&line?) {
            Ok(answer) => println!("{answer}"),
            Err(why) => println!("cannot {why}"),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}
